/**
 * Text forms of bytes. Two alphabets: base64url (RFC 4648, section 5, unpadded) where short matters,
 * base32hex (RFC 4648, section 7, lower case) where the order of the text must be the order of the bytes.
 */
import { assert } from "./assert.ts";

const encoder = new TextEncoder();
const strictDecoder = /* @__PURE__ */ new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export function utf8(text: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(text);
}

/** Throws TypeError for bytes that are not UTF-8. */
export function fromUtf8(bytes: Uint8Array): string {
  return strictDecoder.decode(bytes);
}

const BASE64URL = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const BASE32HEX = "0123456789abcdefghijklmnopqrstuv";

function reverse(alphabet: string): Int8Array {
  const table = new Int8Array(128).fill(-1);
  for (let i = 0; i < alphabet.length; i++) table[alphabet.charCodeAt(i)] = i;
  return table;
}

/** Two characters for each 12 bits. */
const PAIRS: readonly string[] = Array.from(
  { length: 4096 },
  (_, bits) => (BASE64URL[bits >>> 6] as string) + (BASE64URL[bits & 63] as string),
);
const FROM_BASE64URL = reverse(BASE64URL);
const FROM_BASE32HEX = /* @__PURE__ */ reverse(BASE32HEX);

function encodeBits(bytes: Uint8Array, alphabet: string, width: number): string {
  let text = "";
  let buffer = 0;
  let bits = 0;
  for (const byte of bytes) {
    buffer = (buffer << 8) | byte;
    bits += 8;
    while (bits >= width) {
      bits -= width;
      text += alphabet[(buffer >>> bits) & ((1 << width) - 1)];
    }
    buffer &= (1 << bits) - 1;
  }
  if (bits > 0) text += alphabet[(buffer << (width - bits)) & ((1 << width) - 1)];
  return text;
}

function decodeBits(text: string, table: Int8Array, width: number): Uint8Array | null {
  const bytes = new Uint8Array(Math.floor((text.length * width) / 8));
  let buffer = 0;
  let bits = 0;
  let at = 0;
  for (let i = 0; i < text.length; i++) {
    const value = table[text.charCodeAt(i)] ?? -1;
    if (value < 0) return null;
    buffer = (buffer << width) | value;
    bits += width;
    if (bits >= 8) {
      bits -= 8;
      bytes[at++] = (buffer >>> bits) & 0xff;
      buffer &= (1 << bits) - 1;
    }
  }
  if (bits >= width || buffer !== 0) return null; // one text per value: no stray characters or bits
  return bytes;
}

type NativeBase64 = (options: { alphabet: "base64url"; omitPadding: true }) => string;
const nativeBase64 = (Uint8Array.prototype as { toBase64?: NativeBase64 }).toBase64;
const UNPADDED = { alphabet: "base64url", omitPadding: true } as const;

/** Of the bytes from `from` up to before `to`. */
export function toBase64Url(bytes: Uint8Array, from = 0, to = bytes.length): string {
  if (nativeBase64 === undefined) return ownBase64Url(bytes, from, to);
  return nativeBase64.call(to - from === bytes.length ? bytes : bytes.slice(from, to), UNPADDED);
}

/** The same where the platform has none, as in older browsers. */
export function ownBase64Url(bytes: Uint8Array, from: number, to: number): string {
  let text = "";
  let at = from;
  for (; at + 3 <= to; at += 3) {
    const bits =
      ((bytes[at] as number) << 16) | ((bytes[at + 1] as number) << 8) | (bytes[at + 2] as number);
    text += (PAIRS[bits >>> 12] as string) + (PAIRS[bits & 0xfff] as string);
  }
  if (to - at === 1) return text + (PAIRS[(bytes[at] as number) << 4] as string);
  if (to - at === 0) return text;
  const bits = ((bytes[at] as number) << 10) | ((bytes[at + 1] as number) << 2);
  return text + (PAIRS[bits >>> 6] as string) + (BASE64URL[bits & 63] as string);
}

/** null if the text is not the one canonical form of some bytes. */
export function fromBase64Url(text: string): Uint8Array | null {
  return decodeBits(text, FROM_BASE64URL, 6);
}

export function toBase32Hex(bytes: Uint8Array): string {
  return encodeBits(bytes, BASE32HEX, 5);
}

/** null if the text is not the one canonical form of some bytes. */
export function fromBase32Hex(text: string): Uint8Array | null {
  return decodeBits(text, FROM_BASE32HEX, 5);
}

export const HEX: readonly string[] = Array.from({ length: 256 }, (_, i) =>
  i.toString(16).padStart(2, "0"),
);

export function toHex(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += HEX[byte];
  return text;
}

/** The value of each hexadecimal digit by its character code; -1 for others. */
export const HEX_DIGITS: Int8Array = reverse("0123456789abcdef");

export function fromHex(text: string): Uint8Array {
  assert(/^([0-9a-f]{2})*$/.test(text), "hex text");
  const bytes = new Uint8Array(text.length / 2);
  for (let i = 0; i < bytes.length; i++) {
    const high = HEX_DIGITS[text.charCodeAt(2 * i)] as number;
    bytes[i] = (high << 4) | (HEX_DIGITS[text.charCodeAt(2 * i + 1)] as number);
  }
  return bytes;
}

export function concatBytes(...parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  let length = 0;
  for (const part of parts) length += part.length;
  const joined = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Order of code units, the same on every machine: never a locale's. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
