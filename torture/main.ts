/** `npm run torture`: see `--help`. */
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { whyNoHosts } from "../test/hosts/namespaces.ts";
import { executableOf } from "./executable.ts";
import { FAULTS } from "./faults/all.ts";
import { enter, isCommitted, sums } from "./ledger.ts";
import { type Options, readOptions } from "./options.ts";
import { Tally } from "./report.ts";
import { Rig } from "./rig.ts";
import { Round, type RoundResult } from "./round.ts";

/** Then the servers begin anew: what is judged of them all at once stays small. */
const ROUNDS_PER_RIG = 25;
const REPORTS = join(import.meta.dir, "..", "reports", "torture");

/** The line that plays one round again, with the same choices; the system's scheduler makes others. */
function repeatLine({ seed, faults }: Options, n: number): string {
  return `npm run torture -- --seed ${seed} --from ${n} --rounds 1 --faults ${faults.join(",")}`;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function roundLine({ n, strokes, counts, seconds, findings }: RoundResult): string {
  const { acknowledged, requests, held } = counts;
  const words = strokes.join("; ");
  const figures = `${acknowledged} of ${requests} acknowledged (on 1, 2, 3: ${held.join(", ")})`;
  const verdict = findings.length === 0 ? "good" : `${findings.length} FINDINGS`;
  return `round ${n}: ${words} - ${figures}, ${seconds.toFixed(1)} s, ${verdict}`;
}

/** What a failing round leaves: histories, logs, and how to play it again. */
function keep(rig: Rig, round: RoundResult, options: Options): string {
  const folder = join(REPORTS, `${options.seed}-${round.n}`);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  cpSync(round.folder, folder, { recursive: true });
  for (const name of rig.cluster.names) {
    const { logFile } = rig.cluster.get(name).place;
    if (existsSync(logFile)) cpSync(logFile, join(folder, `${name}.log`));
  }
  return folder;
}

/** Plays rounds on one rig until it is to be renewed, or one fails. */
async function playRig(options: Options, tally: Tally, executable: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-torture-"));
  const rig = new Rig(folder, executable);
  const end = () => rig.remove();
  process.once("exit", end);
  try {
    await rig.begin();
    for (let i = 0; i < ROUNDS_PER_RIG && tally.goesOn(options); i++) {
      const n = options.from + tally.rounds;
      const round = new Round(rig, n, options.seed, options.faults, join(folder, `round-${n}`));
      const result = await round.play();
      tally.add(result);
      say(roundLine(result));
      if (result.findings.length === 0) continue;
      for (const finding of result.findings) say(`  WRONG: ${finding}`);
      say(`  histories and logs are kept in ${keep(rig, result, options)}`);
      say(`  to repeat its choices: ${repeatLine(options, n)}`);
      break;
    }
    await rig.end();
  } finally {
    rig.remove();
    process.off("exit", end);
    rmSync(folder, { recursive: true, force: true });
  }
}

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2));
  const why = whyNoHosts();
  if (why !== null) {
    say(`torture: not possible here: ${why}`);
    return 3;
  }
  if (options.ledger && !isCommitted()) {
    say("torture: --ledger: there are changes that are not committed; nobody could repeat this");
    return 2;
  }
  for (const [name, fault] of Object.entries(FAULTS)) {
    const whyNot = fault.whyNot?.() ?? null;
    if (whyNot === null || !options.faults.includes(name)) continue;
    say(`skipped: ${name}: ${whyNot}`);
    options.faults.splice(options.faults.indexOf(name), 1);
  }
  const tally = new Tally();
  const executable = executableOf(options.program);
  say(`seed ${options.seed}, faults ${options.faults.join(" ")}`);
  while (tally.goesOn(options)) {
    await playRig(options, tally, executable);
    if (tally.failed > 0 && !options.keepGoing) break;
  }
  for (const line of tally.lines()) say(line);
  if (options.ledger) {
    enter(options.seed, tally);
    for (const line of sums()) say(line);
  }
  return tally.failed === 0 ? 0 : 1;
}

for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(130));
process.exit(await main());
