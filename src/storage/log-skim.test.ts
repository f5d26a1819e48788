/** The short way to read an envelope says what the decoder says. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { heavy } from "../../test/heavy.ts";
import { fromUtf8 } from "../core/bytes.ts";
import { accountIdOf, channelIdOf, type Incarnation, requestIdFrom } from "../core/ids.ts";
import { KIND_MAX } from "../core/limits.ts";
import { decodeEnvelope, encodeEnvelope } from "../core/op.ts";
import { skim } from "./log-skim.ts";

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const account = bytes(16).map(accountIdOf);
const runs = { numRuns: heavy(500, 50_000) };
const envelopes = fc
  .record({
    origin: fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,15}\.[0-9a-v]{10}(\/[0-9a-v]{10})?$/),
    seq: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
    stamp: fc.record({ ms: fc.nat(), counter: fc.nat(65_535) }),
    author: account,
    id: bytes(10).map((random) => requestIdFrom(1_700_000_000_000, random)),
    kind: fc.integer({ min: 1, max: KIND_MAX }),
    scope: fc.oneof(fc.constant(null), account, bytes(16).map(channelIdOf)),
    data: fc.string({ maxLength: 300 }),
    bodyHash: fc.oneof(fc.constant(null), bytes(16)),
  })
  .map((envelope) => encodeEnvelope({ ...envelope, origin: envelope.origin as Incarnation }));

describe("skim", () => {
  test("agrees with the decoder on every envelope", () => {
    fc.assert(
      fc.property(envelopes, (envelope) => {
        const { origin, seq, bodyHash } = decodeEnvelope(envelope);
        const read = skim(envelope)!;
        expect([fromUtf8(read.origin), read.seq]).toEqual([origin, seq]);
        expect(read.bodyHash).toEqual(bodyHash);
      }),
      runs,
    );
  });

  test("reads no envelope that was cut or lengthened, and never throws", () => {
    fc.assert(
      fc.property(envelopes, fc.nat(), fc.uint8Array(), (envelope, cut, any) => {
        expect(skim(envelope.subarray(0, cut % envelope.length))).toBeNull();
        expect(skim(Uint8Array.of(...envelope, 0))).toBeNull();
        skim(any);
      }),
      runs,
    );
  });
});
