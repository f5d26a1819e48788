import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { heavy } from "../../test/heavy.ts";
import {
  compareText,
  concatBytes,
  equalBytes,
  fromBase32Hex,
  fromBase64Url,
  fromHex,
  fromUtf8,
  ownBase64Url,
  toBase32Hex,
  toBase64Url,
  toHex,
  utf8,
} from "./bytes.ts";

const runs = { numRuns: heavy(1_000, 100_000) };
const anyBytes = fc.uint8Array({ maxLength: 70 });

describe("text forms of bytes", () => {
  test("agree with the platform's own", () => {
    fc.assert(
      fc.property(anyBytes, (bytes) => {
        expect(toBase64Url(bytes)).toBe(Buffer.from(bytes).toString("base64url"));
        const from = Math.floor(bytes.length / 3);
        const part = toBase64Url(bytes.slice(from));
        expect(toBase64Url(bytes, from)).toBe(part);
        expect(ownBase64Url(bytes, from, bytes.length)).toBe(part);
        expect(toHex(bytes)).toBe(Buffer.from(bytes).toString("hex"));
      }),
      runs,
    );
  });

  test("are read back", () => {
    fc.assert(
      fc.property(anyBytes, (bytes) => {
        expect(fromBase64Url(toBase64Url(bytes))).toEqual(bytes);
        expect(fromBase32Hex(toBase32Hex(bytes))).toEqual(bytes);
        expect(fromHex(toHex(bytes))).toEqual(bytes);
      }),
      runs,
    );
  });

  test("of one value there is one: what is read is what would be written", () => {
    const near = fc.tuple(
      fc.oneof(fc.stringMatching(/^[A-Za-z0-9_-]{0,9}$/), fc.stringMatching(/^[0-9a-v]{0,9}$/)),
      fc.oneof(fc.constantFrom("", "=", "+", "/", "é", "\u{10000}"), fc.string({ maxLength: 1 })),
    );
    fc.assert(
      fc.property(near, ([start, end]) => {
        const text = start + end;
        const from64 = fromBase64Url(text);
        if (from64 !== null) expect(toBase64Url(from64)).toBe(text);
        const from32 = fromBase32Hex(text);
        if (from32 !== null) expect(toBase32Hex(from32)).toBe(text);
      }),
      runs,
    );
    expect(fromBase64Url("AB")).toBeNull(); // stray bits
    expect(fromBase64Url("A")).toBeNull(); // a stray character
    expect(fromBase32Hex("01")).toBeNull();
    expect(fromBase32Hex("00")).toEqual(Uint8Array.of(0));
  });

  test("in base32hex have the order of the bytes, if they are equally long", () => {
    const pair = fc.nat({ max: 12 }).chain((length) => {
      const some = fc.uint8Array({ minLength: length, maxLength: length });
      return fc.tuple(some, some);
    });
    fc.assert(
      fc.property(pair, ([a, b]) => {
        const order = Math.sign(Buffer.compare(a, b));
        expect(compareText(toBase32Hex(a), toBase32Hex(b))).toBe(order);
      }),
      runs,
    );
  });

  test("UTF-8 is read strictly", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (text) => {
        expect(fromUtf8(utf8(text))).toBe(text);
      }),
      runs,
    );
    expect(fromUtf8(utf8("\ufeffx"))).toBe("\ufeffx");
    for (const wrong of [
      [0xff],
      [0xc0, 0x80],
      [0xed, 0xa0, 0x80],
      [0xf4, 0x90, 0x80, 0x80],
      [0xe2, 0x82],
    ])
      expect(() => fromUtf8(Uint8Array.from(wrong))).toThrow(TypeError);
  });
});

test("bytes are joined and compared", () => {
  fc.assert(
    fc.property(anyBytes, anyBytes, (a, b) => {
      const joined = concatBytes(a, b);
      expect(Buffer.from(joined).equals(Buffer.concat([a, b]))).toBe(true);
      expect(equalBytes(a, b)).toBe(Buffer.from(a).equals(b));
      expect(equalBytes(a, Uint8Array.from(a))).toBe(true);
    }),
    runs,
  );
});
