import { describe, expect, test } from "bun:test";
import { realPasswords } from "./platform.ts";

describe("[R47] passwords", () => {
  test("are hashed with argon2id, at what OWASP asks for at least, each with a salt of its own", async () => {
    const hashes = await Promise.all(["a password", "a password"].map(realPasswords.hash));
    for (const hash of hashes) {
      const cost = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=1\$/.exec(hash);
      expect(Number(cost?.[1])).toBeGreaterThanOrEqual(19 * 1024);
      expect(Number(cost?.[2])).toBeGreaterThanOrEqual(2);
      expect(await realPasswords.verify("a password", hash)).toBe(true);
      expect(await realPasswords.verify("another password", hash)).toBe(false);
    }
    expect(hashes[0]).not.toBe(hashes[1]);
    expect(await realPasswords.verify("a password", "no hash at all")).toBe(false);
  });

  test("are hashed and verified off the event loop, which turns meanwhile", async () => {
    let turns = 0;
    let working = true;
    const turn = () => {
      turns++;
      if (working) setImmediate(turn);
    };
    const turnsDuring = async (work: Promise<unknown>) => {
      const before = turns;
      await work;
      return turns - before;
    };
    setImmediate(turn);
    const hash = await realPasswords.hash("a password");
    expect(turns).toBeGreaterThan(0);
    expect(await turnsDuring(realPasswords.verify("a password", hash))).toBeGreaterThan(0);
    working = false;
  });
});
