import { describe, expect, test } from "bun:test";
import { unknownToken } from "./elsewhere.ts";

type Services = Parameters<typeof unknownToken>[0];

const SELF = { name: "a", isInSync: true, isRemoved: false };
const codeWith = (servers: readonly object[], links: readonly object[]) => {
  const status = () => ({ name: "a", isBehind: false, servers });
  const services = { replica: { name: "a", status }, links: () => links };
  return unknownToken(services as unknown as Services).code;
};

describe("[R6] a token that is not known", () => {
  test("may be known to servers that were never met, or are not heard", () => {
    expect(codeWith([SELF], [{}])).toBe("unavailable");
    const b = { name: "b", isInSync: false, isRemoved: false };
    expect(codeWith([SELF, b], [{}])).toBe("unavailable");
  });

  test("is known to nobody where all others were removed, also if their addresses are still given", () => {
    const b = { name: "b", isInSync: false, isRemoved: true };
    expect(codeWith([SELF, b], [{}])).toBe("unauthorized");
    expect(codeWith([SELF], [])).toBe("unauthorized");
  });
});
