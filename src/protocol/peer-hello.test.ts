import { expect, test } from "bun:test";
import fc from "fast-check";
import { heavy } from "../../test/heavy.ts";
import { utf8 } from "../core/bytes.ts";
import { Refusal } from "../core/errors.ts";
import { HANDSHAKE_BYTES_MAX } from "../core/limits.ts";
import { commonVersion, decodeHandshake, encodeHandshake, type Hello } from "./peer-hello.ts";

const RUNS = heavy(500, 50_000);
const BYTES_32 = `${"x".repeat(42)}A`;
const hello: Hello = {
  type: "hello",
  versionMin: 1,
  versionMax: 3,
  cluster: "0123456789abcdefghijklmnop",
  server: "a",
  store: "AAAAAAAAAAAAAAAAAAAAAA",
  instance: BYTES_32,
  url: "http://10.0.0.1:7300",
  release: "0.1.0",
  key: BYTES_32,
  secrets: ["0123456789abcdefghijklmno0"],
  nonce: BYTES_32,
  share: BYTES_32,
  wallMs: 1_790_000_000_000,
};
const PROOF = { type: "proof", mac: BYTES_32, signature: `${"x".repeat(85)}A` } as const;

/** Anything but a message or a refusal is a defect. */
function decoded(bytes: Uint8Array): ReturnType<typeof decodeHandshake> | null {
  try {
    return decodeHandshake(bytes);
  } catch (error) {
    if (error instanceof Refusal) return null;
    throw error;
  }
}

test("what one says the other hears", () => {
  for (const message of [hello, PROOF, { type: "refused", code: "clock" } as const]) {
    expect(decodeHandshake(encodeHandshake(message))).toEqual(message);
  }
});

test("members that this release does not know are left alone, of a later hello", () => {
  const later = { ...hello, colour: "green", versionMax: 9 };
  expect(decoded(utf8(JSON.stringify(later)))).toMatchObject({ server: "a", versionMax: 9 });
});

test("[R10] what is no hello, proof or refusal is refused, whatever it is", () => {
  const wrong: object[] = [
    { ...hello, server: "A" },
    { ...hello, server: "a\n" },
    { ...hello, url: "http://x\u001b[2J" },
    { ...hello, url: "x".repeat(301) },
    { ...hello, key: "short" },
    { ...hello, nonce: "!".repeat(43) },
    { ...hello, versionMin: 0 },
    { ...hello, wallMs: -1 },
    { ...hello, wallMs: 1.5 },
    { ...hello, cluster: "" },
    { ...PROOF, mac: "x" },
    { ...PROOF, signature: BYTES_32 },
    { type: "refused", code: "No Way\n" },
    { type: "vector", digest: "0", origins: 0, upTo: 0 },
    { type: 7 },
    [],
  ];
  for (const one of wrong)
    expect(decoded(utf8(JSON.stringify(one))), JSON.stringify(one)).toBeNull();
  for (const text of ["", "null", "7", '"hello"', "{", `${JSON.stringify(hello)}x`, "\u0000"]) {
    expect(decoded(utf8(text)), text).toBeNull();
  }
  expect(decoded(Uint8Array.of(0xff, 0xfe))).toBeNull();
});

test("[R10] one byte over the bound is refused before it is parsed", () => {
  const padded = { ...hello, more: "" };
  padded.more = "x".repeat(HANDSHAKE_BYTES_MAX - JSON.stringify(padded).length);
  expect(decoded(utf8(JSON.stringify(padded)))).not.toBeNull();
  padded.more += "x";
  expect(decoded(utf8(JSON.stringify(padded)))).toBeNull();
});

test("[R10] bytes and changed messages never do anything but be refused or understood", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => {
      decoded(bytes);
    }),
    { numRuns: RUNS },
  );
  const messages = [hello, PROOF].map((message) => encodeHandshake(message as Hello));
  fc.assert(
    fc.property(
      fc.constantFrom(...messages),
      fc.nat(),
      fc.nat(255),
      fc.nat(),
      (message, at, byte, cut) => {
        const changed = Uint8Array.from(message);
        changed[at % changed.length] = byte;
        const heard = decoded(changed);
        if (heard !== null) expect(["hello", "proof", "refused"]).toContain(heard.type);
        expect(decoded(message.subarray(0, cut % message.length))).toBeNull();
      },
    ),
    { numRuns: RUNS },
  );
});

test("two releases speak the highest version that both know, or none", () => {
  const speaks = (versionMin: number, versionMax: number) => ({ versionMin, versionMax });
  expect(commonVersion(speaks(1, 1), speaks(1, 1))).toBe(1);
  expect(commonVersion(speaks(1, 3), speaks(2, 5))).toBe(3);
  expect(commonVersion(speaks(2, 5), speaks(1, 3))).toBe(3);
  expect(commonVersion(speaks(1, 1), speaks(2, 3))).toBeNull();
});
