import { afterEach, expect, test } from "bun:test";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { heavy } from "../../test/heavy.ts";
import { cleanUp, scratch } from "../../test/server-process.ts";
import { toBase64Url } from "../core/bytes.ts";
import { Refusal } from "../core/errors.ts";
import { decodeJoinToken, encodeJoinToken } from "../mesh/join-token.ts";
import { linkSecret } from "../mesh/link-secret.ts";
import type { JoinToken } from "../protocol/peer-join.ts";
import { JOIN_TOKENS_FILE, JoinTokens } from "./join-tokens.ts";

afterEach(cleanUp);

const RUNS = heavy(500, 20_000);
const [B, C] = ["key of b", "key of c"];
const idOf = (join: string) => linkSecret(new Uint8Array(Buffer.from(join, "base64url"))).id;
const text32 = (byte: number) => toBase64Url(new Uint8Array(32).fill(byte));

test("[R98] a token is good for the server that used it, and for nobody else, across restarts", async () => {
  const folder = scratch();
  const tokens = new JoinTokens(folder, () => 1_000);
  const id = idOf(await tokens.make(2_000));
  expect(tokens.judge(id, B)).toBeNull();
  expect(tokens.judge("0".repeat(26), B)).toBe("token_unknown");
  await tokens.spend(id, B);
  for (const now of [tokens, new JoinTokens(folder, () => 1_000)]) {
    expect(now.secret(id)?.id).toBe(id);
    expect(now.judge(id, B)).toBeNull();
    expect(now.judge(id, C)).toBe("token_spent");
  }
  const later = new JoinTokens(folder, () => 2_000);
  expect([later.judge(id, B), later.judge(id, C)]).toEqual(["token_expired", "token_spent"]);
  expect(statSync(join(folder, JOIN_TOKENS_FILE)).mode & 0o777).toBe(0o600);
});

test("[R98] what is spent counts from that moment, also before it is on disk", async () => {
  const tokens = new JoinTokens(scratch(), () => 1_000);
  const id = idOf(await tokens.make(2_000));
  const spent = tokens.spend(id, B);
  expect(tokens.judge(id, C)).toBe("token_spent");
  await spent;
});

test("[R10, R98] tokens are bounded; expired ones make room and are known as long as there is some", async () => {
  let nowMs = 0;
  const tokens = new JoinTokens(scratch(), () => nowMs);
  const ids: string[] = [];
  for (let i = 0; i < 64; i++) ids.push(idOf(await tokens.make(1_000)));
  expect(await tokens.make(1_000).catch((error: unknown) => error)).toBeInstanceOf(Refusal);
  nowMs = 1_000;
  await tokens.make(2_000);
  expect(tokens.judge(ids[0] as string, B)).toBe("token_unknown");
  expect(tokens.judge(ids[63] as string, B)).toBe("token_expired");
});

test("a file of tokens that is none counts as no tokens", async () => {
  const folder = scratch();
  const path = join(folder, JOIN_TOKENS_FILE);
  const made = await new JoinTokens(folder, () => 0).make(1_000);
  const good = readFileSync(path, "utf8");
  for (const text of [
    "",
    "{}",
    "null",
    good.slice(0, -4),
    good.replace(made, "x"),
    "x".repeat(1e5),
  ]) {
    writeFileSync(path, text);
    expect(new JoinTokens(folder, () => 0).judge(idOf(made), B)).toBe("token_unknown");
  }
  writeFileSync(path, good);
  expect(new JoinTokens(folder, () => 0).judge(idOf(made), B)).toBeNull();
});

const TOKEN: JoinToken = {
  cluster: "0123456789abcdefghijklmnop",
  server: "a",
  key: text32(1),
  join: text32(2),
  urls: ["http://10.0.0.1:7300"],
};

test("[R10, R98] a token is whole or none: any character changed, cut off or added", () => {
  const text = encodeJoinToken(TOKEN);
  expect(decodeJoinToken(text)).toEqual(TOKEN);
  for (let i = 0; i < text.length; i++) {
    expect(decodeJoinToken(text.slice(0, i))).toBeNull();
    const other = text[i] === "A" ? "B" : "A";
    expect(decodeJoinToken(text.slice(0, i) + other + text.slice(i + 1))).toBeNull();
  }
  expect(decodeJoinToken(`${text}A`)).toBeNull();
});

test("[R10, R98] what stands in a token is checked, also with a right sum", () => {
  const wrong: Partial<Record<keyof JoinToken, unknown>>[] = [
    { cluster: "" },
    { cluster: "a\nb" },
    { server: "A" },
    { key: "short" },
    { join: text32(2).slice(1) },
    { urls: [] },
    { urls: ["ftp://x"] },
    { urls: ["http://x\u001b[2J"] },
    { urls: Array(5).fill("http://a:1") },
    { urls: [`http://${"x".repeat(300)}`] },
    { urls: "http://a:1" },
  ];
  for (const members of wrong) {
    expect(decodeJoinToken(encodeJoinToken({ ...TOKEN, ...members } as JoinToken))).toBeNull();
  }
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.base64String()), (text) => {
      expect(decodeJoinToken(`hfj_${text}`)).toBeNull();
      expect(decodeJoinToken(text)).toBeNull();
    }),
    { numRuns: RUNS },
  );
});
