/**
 * The few fields of an envelope that verification needs, read without decoding the rest: 100,000 envelopes
 * are looked at before a store opens, and decoding one (core/op.ts) makes texts of four ids.
 *
 * It knows envelope format 1 and no other; log-skim.test.ts holds it against the decoder. An envelope that
 * it can't read is left to the decoder.
 */
import { ID_BYTES } from "../core/ids.ts";
import { BODY_HASH_BYTES, ENVELOPE_FORMAT } from "../core/op.ts";
import { STAMP_BYTES } from "../core/stamp.ts";

export type Skim = {
  /** UTF-8. */
  readonly origin: Uint8Array;
  readonly seq: number;
  readonly bodyHash: Uint8Array | null;
};

/** null if the envelope is not of the form that it knows. */
export function skim(bytes: Uint8Array): Skim | null {
  if (bytes[0] !== ENVELOPE_FORMAT) return null;
  let at = 2 + (bytes[1] ?? 0);
  const origin = bytes.subarray(2, at);
  const varint = (): number => {
    let value = 0;
    for (let scale = 1; scale < 2 ** 53; scale *= 128) {
      const byte = bytes[at++] ?? 0;
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
    return Number.NaN;
  };
  const seq = varint();
  at += STAMP_BYTES + 2 * ID_BYTES;
  varint(); // kind
  if (bytes[at++] !== 0) at += ID_BYTES; // scope
  const dataBytes = varint();
  at += dataBytes;
  const hasBody = bytes[at++];
  if (hasBody === 0) return at === bytes.length ? { origin, seq, bodyHash: null } : null;
  if (hasBody !== 1 || at + BODY_HASH_BYTES !== bytes.length) return null;
  return { origin, seq, bodyHash: bytes.subarray(at) };
}
