/** The closing line of `npm test` must count right, also when a test file crashes or holds no test. */
import { expect, test } from "bun:test";
import { judge } from "../scripts/junit.mjs";

const one = (name: string, body = "") =>
  `<testcase name="${name}" classname="" time="0" file="a.test.ts" line="1">${body}</testcase>`;

test("counts what passed, failed and was skipped, and names the last two", () => {
  const xml = [
    `<testcase name="a &gt; b" classname="group" file="a.test.ts" assertions="1" />`,
    one("red", '<failure type="AssertionError" message="&lt;testcase&gt;" />'),
    one("needs root", "\n<skipped />\n"),
    one("later", '<skipped message="on paper" />'),
  ].join("\n");
  expect(judge(xml, ["a.test.ts"], 1)).toEqual({
    passed: 1,
    failed: ["a.test.ts: red"],
    skipped: ["a.test.ts: needs root", "a.test.ts: later (on paper)"],
  });
});

test("a file that ran no test has failed, whatever the exit code", () => {
  expect(judge(one("x"), ["a.test.ts", "b.test.ts"], 0).failed).toEqual(["b.test.ts: ran no test"]);
  expect(judge("", ["a.test.ts"], 0).failed).toEqual(["a.test.ts: ran no test"]);
});

test("an exit code that no test explains is a failure", () => {
  expect(judge(one("x"), ["a.test.ts"], 0).failed).toEqual([]);
  expect(judge(one("x"), ["a.test.ts"], 139).failed).toEqual(["bun test ended with code 139"]);
});
