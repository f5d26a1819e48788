// Reads what `bun test` reports. Problem: its summary line is for people, and a file that crashes,
// fails to load or holds no test may be missing from the report, or end with exit code 0.
// Approach: count the cases of the JUnit file, and hold them against the files that were asked for.

/**
 * @typedef {{ passed: number, failed: string[], skipped: string[] }} Counts names, but for the passed
 */

/**
 * The verdict on one run of `bun test`.
 * @param {string} xml the JUnit report, empty if none was written
 * @param {string[]} files the test files asked for, as paths below the root
 * @param {number} exitCode
 * @returns {Counts}
 */
export function judge(xml, files, exitCode) {
  const cases = readCases(xml);
  /** @param {Case["outcome"]} outcome */
  const named = (outcome) => cases.filter((c) => c.outcome === outcome).map(describe);
  const ran = new Set(cases.map((c) => c.file));
  const failed = named("failed");
  failed.push(...files.filter((file) => !ran.has(file)).map((file) => `${file}: ran no test`));
  if (exitCode !== 0 && failed.length === 0) failed.push(`bun test ended with code ${exitCode}`);
  return { passed: named("passed").length, failed, skipped: named("skipped") };
}

/**
 * @typedef {{ file: string, name: string, outcome: "passed" | "failed" | "skipped", note: string }} Case
 */

/**
 * @param {string} xml
 * @returns {Case[]}
 */
function readCases(xml) {
  const found = xml.matchAll(
    /<testcase((?:\s+[\w-]+="[^"]*")*)\s*(?:\/>|>([\s\S]*?)<\/testcase>)/g,
  );
  return Array.from(found, ([, head = "", body = ""]) => {
    const group = attribute(head, "classname");
    const name = attribute(head, "name");
    return {
      file: attribute(head, "file").replaceAll("\\", "/"),
      name: group === "" ? name : `${group} > ${name}`,
      outcome: /<(failure|error)\b/.test(body)
        ? "failed"
        : /<skipped\b/.test(body)
          ? "skipped"
          : "passed",
      note: attribute(/<skipped\b[^>]*/.exec(body)?.[0] ?? "", "message"),
    };
  });
}

/** @param {Case} found */
function describe({ file, name, note }) {
  return `${file}: ${name}${note === "" ? "" : ` (${note})`}`;
}

/**
 * @param {string} tag
 * @param {string} name
 */
function attribute(tag, name) {
  const value = new RegExp(`\\s${name}="([^"]*)"`).exec(tag)?.[1] ?? "";
  return value.replace(/&(?:#(\d+)|#x([\da-f]+)|(\w+));/gi, (whole, decimal, hex, entity) => {
    if (decimal !== undefined) return String.fromCodePoint(Number(decimal));
    if (hex !== undefined) return String.fromCodePoint(Number.parseInt(hex, 16));
    return { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" }[String(entity)] ?? whole;
  });
}
