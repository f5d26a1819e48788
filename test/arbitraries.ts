/** Random values of the core's types. */
import fc from "fast-check";
import {
  type AccountId,
  accountIdOf,
  type ChannelId,
  channelIdOf,
  type Incarnation,
  type RequestId,
  requestIdFrom,
} from "../src/core/ids.ts";
import { KIND_MAX } from "../src/core/limits.ts";
import type { Envelope } from "../src/core/op.ts";
import type { Place } from "../src/core/position.ts";
import { COUNTER_MAX, MS_MAX, type Stamp } from "../src/core/stamp.ts";

export const bytes = (length: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength: length, maxLength: length });

/** Often close together, sometimes anywhere. */
export const stamp: fc.Arbitrary<Stamp> = fc.record({
  ms: fc.oneof(fc.integer({ min: 1_000, max: 1_003 }), fc.integer({ min: 0, max: MS_MAX })),
  counter: fc.oneof(fc.nat({ max: 2 }), fc.integer({ min: 0, max: COUNTER_MAX })),
});

/** Names that are prefixes of each other, with `-`, and branches: whatever could upset an order. */
export const incarnation: fc.Arbitrary<Incarnation> = fc
  .tuple(
    fc.oneof(
      fc.constantFrom("a", "a-", "a-b", "ab", "a0", "a--", "0"),
      fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,31}$/),
    ),
    fc.oneof(fc.constantFrom("0000000000", "vvvvvvvvvv"), fc.stringMatching(/^[0-9a-v]{10}$/)),
    fc.oneof(
      fc.constantFrom("", "/0000000000", "/vvvvvvvvvv"),
      fc.stringMatching(/^\/[0-9a-v]{10}$/),
    ),
  )
  .map((parts) => `${parts[0]}.${parts[1]}${parts[2]}` as Incarnation);

export const seq: fc.Arbitrary<number> = fc.oneof(
  fc.integer({ min: 1, max: 40 }),
  fc.constantFrom(31, 32, 1023, 1024, 32 ** 9, Number.MAX_SAFE_INTEGER),
  fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
);

export const place: fc.Arbitrary<Place> = fc.record({ stamp, origin: incarnation, seq });

export const accountId: fc.Arbitrary<AccountId> = bytes(16).map(accountIdOf);
export const channelId: fc.Arbitrary<ChannelId> = bytes(16).map(channelIdOf);
export const requestId: fc.Arbitrary<RequestId> = fc
  .tuple(fc.integer({ min: 0, max: MS_MAX }), bytes(10))
  .map(([ms, random]) => requestIdFrom(ms, random));

export const envelope: fc.Arbitrary<Envelope> = fc.record({
  origin: incarnation,
  seq,
  stamp,
  author: accountId,
  id: requestId,
  kind: fc.integer({ min: 1, max: KIND_MAX }),
  scope: fc.oneof(fc.constant(null), accountId, channelId),
  data: fc.oneof(fc.constant(""), fc.string({ unit: "grapheme", maxLength: 60 })),
  bodyHash: fc.option(bytes(16), { nil: null }),
});

/** Bytes, some of them changed, cut, doubled or put in. */
export function mutated(valid: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> {
  const change = fc.tuple(fc.nat(), fc.nat({ max: 255 }), fc.nat({ max: 3 }));
  return fc.tuple(valid, fc.array(change, { maxLength: 4 })).map(([original, changes]) => {
    const all = [...original];
    for (const [where, value, how] of changes) {
      const at = all.length === 0 ? 0 : where % all.length;
      if (how === 0) all[at] = value;
      else if (how === 1) all[at] = (all[at] ?? 0) ^ (1 << (value % 8));
      else if (how === 2) all.splice(at, 1 + (value % 4));
      else all.splice(at, 0, value);
    }
    return Uint8Array.from(all);
  });
}

export function mutatedText(valid: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const piece = fc.oneof(fc.stringMatching(/^[0-9a-z~:,./-]{0,2}$/), fc.string({ maxLength: 2 }));
  const change = fc.tuple(fc.nat(), piece, fc.nat({ max: 3 }));
  return fc.tuple(valid, fc.array(change, { maxLength: 3 })).map(([original, changes]) =>
    changes.reduce((text, [where, put, cut]) => {
      const at = where % (text.length + 1);
      return text.slice(0, at) + put + text.slice(at + cut);
    }, original),
  );
}
