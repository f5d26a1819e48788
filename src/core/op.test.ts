import { describe, expect, setDefaultTimeout, test } from "bun:test";
import fc from "fast-check";
import { bytes, envelope, mutated } from "../../test/arbitraries.ts";
import { heavy } from "../../test/heavy.ts";
import { sha256 } from "../storage/log-hash.ts";
import { equalBytes, toHex } from "./bytes.ts";
import { Refusal } from "./errors.ts";
import { accountIdOf, channelIdOf, type Incarnation, requestIdFrom } from "./ids.ts";
import { BODY_BYTES_MAX, ENVELOPE_BYTES_MAX, ENVELOPE_DATA_BYTES_MAX } from "./limits.ts";
import {
  CHAIN_START,
  chainHash,
  decodeEnvelope,
  type Envelope,
  encodeEnvelope,
  hashBody,
  openBody,
  sealBody,
} from "./op.ts";

setDefaultTimeout(heavy(60_000, 1_200_000));

/** Format 1, byte by byte as the header of op.ts says it. */
const GOLDEN =
  "0119612d622e303132333435363738392f76767676767676767676" + // format, origin
  "8101018bcfe568000007" + // seq, stamp
  "000102030405060708090a0b0c0d0e0f018bcfe5680170818283848586878889" + // author, id
  "a80202101112131415161718191a1b1c1d1e1f" + // kind, scope
  "087b22c3a4223a317d01202122232425262728292a2b2c2d2e2f"; // data, body hash

const runs = { numRuns: heavy(1_000, 100_000) };

function read(input: Uint8Array): Envelope | null {
  try {
    return decodeEnvelope(input);
  } catch (error) {
    if (error instanceof Refusal) {
      expect(error.code).toBe("invalid");
      return null;
    }
    throw error;
  }
}

describe("envelopes", () => {
  test("are read back, and have one form", () => {
    fc.assert(
      fc.property(envelope, (said) => {
        const written = encodeEnvelope(said);
        expect(decodeEnvelope(written)).toEqual(said);
        expect(encodeEnvelope(decodeEnvelope(written))).toEqual(written);
        expect(written.length).toBeLessThanOrEqual(ENVELOPE_BYTES_MAX);
      }),
      runs,
    );
  });

  test("[R10] any bytes are refused, or are the one form of what is read from them", () => {
    let accepted = 0;
    const input = fc.oneof(
      { arbitrary: mutated(envelope.map(encodeEnvelope)), weight: 9 },
      { arbitrary: fc.uint8Array({ maxLength: 120 }), weight: 1 },
    );
    fc.assert(
      fc.property(input, (some) => {
        const found = read(some);
        if (found === null) return;
        accepted++;
        expect(equalBytes(encodeEnvelope(found), some)).toBe(true);
      }),
      runs,
    );
    expect(accepted).toBeGreaterThan(0);
  });

  test("cut anywhere, or followed by anything, are refused", () => {
    fc.assert(
      fc.property(envelope, bytes(1), (said, more) => {
        const written = encodeEnvelope(said);
        for (let end = 0; end < written.length; end++)
          expect(read(written.subarray(0, end))).toBeNull();
        expect(read(Uint8Array.from([...written, ...more]))).toBeNull();
      }),
      { numRuns: heavy(50, 2_000) },
    );
  });

  test("never change their form: they are hashed for ever", () => {
    const raw = (from: number) => Uint8Array.from({ length: 16 }, (_, i) => from + i);
    const said: Envelope = {
      origin: "a-b.0123456789/vvvvvvvvvv" as Incarnation,
      seq: 129,
      stamp: { ms: 1_700_000_000_000, counter: 7 },
      author: accountIdOf(raw(0)),
      id: requestIdFrom(1_700_000_000_001, raw(0x80)),
      kind: 296,
      scope: channelIdOf(raw(0x10)),
      data: '{"ä":1}',
      bodyHash: raw(0x20),
    };
    expect(toHex(encodeEnvelope(said))).toBe(GOLDEN);
    expect(toHex(encodeEnvelope({ ...said, scope: null, bodyHash: null })).length).toBe(
      GOLDEN.length - 64,
    );
  });

  test("over a bound are a defect of whoever makes them", () => {
    const [said] = fc.sample(envelope, 1) as [Envelope];
    expect(() =>
      encodeEnvelope({ ...said, data: "x".repeat(ENVELOPE_DATA_BYTES_MAX + 1) }),
    ).toThrow("bound");
    expect(() => encodeEnvelope({ ...said, seq: 0 })).toThrow("bound");
    expect(() => encodeEnvelope({ ...said, kind: 65_536 })).toThrow("bound");
  });
});

describe("bodies", () => {
  test("are opened as they were sealed; the salt changes the hash", () => {
    fc.assert(
      fc.property(bytes(16), bytes(16), fc.string({ unit: "grapheme" }), (salt, other, json) => {
        const sealed = sealBody(salt, json);
        expect(openBody(sealed)).toBe(json);
        expect(hashBody(sha256, sealed)).toHaveLength(16);
        const same = equalBytes(hashBody(sha256, sealed), hashBody(sha256, sealBody(other, json)));
        expect(same).toBe(equalBytes(salt, other));
      }),
      runs,
    );
    expect(() => sealBody(new Uint8Array(16), "x".repeat(BODY_BYTES_MAX - 15))).toThrow("bound");
  });
});

test("a chain hash speaks for every byte before it", () => {
  fc.assert(
    fc.property(fc.array(envelope, { minLength: 1, maxLength: 5 }), fc.nat(), (all, which) => {
      const chain = (envelopes: Uint8Array[]) =>
        envelopes.reduce((before, one) => chainHash(sha256, before, one), CHAIN_START);
      const written = all.map(encodeEnvelope);
      const at = which % written.length;
      const changed = written.map((one, i) => {
        if (i !== at) return one;
        const copy = Uint8Array.from(one);
        copy[which % copy.length] = (copy[which % copy.length] as number) ^ 1;
        return copy;
      });
      expect(equalBytes(chain(written), chain(changed))).toBe(false);
      expect(equalBytes(chain(written), chain(written))).toBe(true);
    }),
    { numRuns: 200 },
  );
});
