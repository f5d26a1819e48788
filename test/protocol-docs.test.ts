import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { PAGE, withReference } from "../scripts/protocol-docs.ts";
import { events } from "../src/protocol/events.ts";
import { methods } from "../src/protocol/methods.ts";

const page = readFileSync(PAGE, "utf8");

describe("docs/PROTOCOL.md", () => {
  test("says what the schemas say", () => {
    const stale =
      withReference(page) === page ? "" : "run `node scripts/run.mjs bun scripts/protocol-docs.ts`";
    expect(stale).toBe("");
  });

  test("has every method and every event", () => {
    for (const name of Object.keys(methods)) expect(page).toContain(`#### \`${name}\``);
    for (const name of Object.keys(events)) expect(page).toContain(`| \`${name}\` |`);
  });

  test("a generated part that was changed by hand is found", () => {
    expect(withReference(page.replace("params: `to`: reference", "params: `to`: anything"))).toBe(
      page,
    );
  });

  test("a part without its markers is an error, not a page without it", () => {
    expect(() => withReference(page.replace("<!-- generated: methods -->", ""))).toThrow("methods");
  });
});
