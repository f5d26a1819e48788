import { expect, test } from "bun:test";
import fc from "fast-check";
import { incarnation } from "../../test/arbitraries.ts";
import { utf8 } from "../core/bytes.ts";
import { Refusal } from "../core/errors.ts";
import type { Incarnation } from "../core/ids.ts";
import {
  decodePeerOps,
  encodePeerOps,
  type PeerOp,
  type PeerOps,
  peerOpBytes,
} from "./peer-ops.ts";

const bytes = (maxLength: number) => fc.uint8Array({ minLength: 1, maxLength });
const peerOp: fc.Arbitrary<PeerOp> = fc
  .record({
    envelope: bytes(300),
    rest: bytes(300),
    what: fc.constantFrom("none", "body", "proof"),
  })
  .map(({ envelope, rest, what }) => ({
    envelope,
    body: what === "body" ? rest : null,
    proof: what === "proof" ? rest : null,
  }));

const line = fc.record({
  origin: incarnation,
  seq: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  chain: fc.uint8Array({ minLength: 16, maxLength: 16 }),
});
const batch = (maxLength: number): fc.Arbitrary<PeerOps> =>
  fc
    .record({
      upTo: fc.nat({ max: Number.MAX_SAFE_INTEGER }),
      lines: fc.array(line, { minLength: 1, maxLength: 4 }),
      ops: fc.array(peerOp, { minLength: 1, maxLength }),
    })
    .map((all) => ({ ...all, lines: all.lines.slice(0, all.ops.length) }));

test("a batch comes out as it went in", () => {
  fc.assert(
    fc.property(batch(20), (all) => {
      const frame = encodePeerOps(all);
      const lines = all.lines.reduce((sum, { origin }) => sum + 25 + utf8(origin).length, 17);
      expect(frame.length).toBe(all.ops.reduce((sum, op) => sum + peerOpBytes(op), lines));
      expect(decodePeerOps(frame)).toEqual(all);
    }),
  );
});

test("a frame that was cut, changed or made up is refused, or is another batch; nothing else is thrown", () => {
  const sane = (frame: Uint8Array) => {
    try {
      for (const op of decodePeerOps(frame).ops) expect(op.envelope.length).toBeGreaterThan(0);
    } catch (error) {
      expect(error).toBeInstanceOf(Refusal);
    }
  };
  fc.assert(
    fc.property(batch(4), fc.nat(), fc.nat(255), (all, place, value) => {
      const frame = encodePeerOps(all);
      expect(() => decodePeerOps(frame.subarray(0, place % frame.length))).toThrow(Refusal);
      frame[place % frame.length] = value;
      sane(frame);
    }),
  );
  fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), sane));
});

test("what is longer than an op may be is refused before anything is made of it", () => {
  const lines = [{ origin: "a.0123456789" as Incarnation, seq: 1, chain: new Uint8Array(16) }];
  const ops = [{ envelope: new Uint8Array(4_000), body: null, proof: null }];
  const frame = encodePeerOps({ upTo: 0, lines, ops });
  expect(() => decodePeerOps(frame)).toThrow("4000 bytes");
});
