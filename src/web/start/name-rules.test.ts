import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { foldName } from "../../core/names.ts";
import { nameHint, nameProblem, proposeName } from "./name-rules.ts";

describe("names", () => {
  test("pass here exactly when the server takes them", () => {
    const near = fc.oneof(fc.stringMatching(/^[A-Za-z0-9._-]{0,34}$/), fc.string());
    fc.assert(
      fc.property(near, (text) => {
        expect(nameProblem(text) === undefined).toBe(foldName(text) !== null);
      }),
      { numRuns: 2_000 },
    );
  });

  test("that are none get one plain reason", () => {
    expect(nameProblem("")).toBe("Choose a name.");
    expect(nameProblem("Team Ops")).toBe("A name has no spaces. How about team-ops?");
    expect(nameProblem("café")).toBe("A name has no é in it. How about cafe?");
    expect(nameProblem("bob~3f")).toBe("A name has no ~ in it. How about bob3f?");
    expect(nameProblem("-ops")).toBe("A name begins with a letter or a digit. How about ops?");
    expect(nameProblem("東京")).toBe("A name has no 東 in it.");
    expect(nameProblem("x".repeat(32))).toBeUndefined();
    expect(nameProblem("x".repeat(33))).toBe("A name has at most 32 characters; this one has 33.");
  });

  test("that are proposed are names, or nothing", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 60 }), (text) => {
        const proposal = proposeName(text);
        if (proposal !== "") expect(foldName(proposal) as string | null).toBe(proposal);
      }),
      { numRuns: 2_000 },
    );
    expect(proposeName("  The Løøps & Co ")).toBe("the-lps--co");
  });

  test("say the rule, or how they will be written when that is not as typed", () => {
    const rule = nameHint("ops");
    expect(rule).toStartWith("1 to 32 of");
    expect(nameHint("OPS-2")).toBe("Names are in lower case: ops-2");
    expect(nameHint("Team Ops")).toBe(rule);
  });
});
