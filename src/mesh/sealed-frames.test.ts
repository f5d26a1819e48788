import { expect, test } from "bun:test";
import fc from "fast-check";
import { heavy } from "../../test/heavy.ts";
import { LINK_PIECE_BYTES_MAX, PEER_FRAME_BYTES_MAX } from "../core/limits.ts";
import type { PeerFrame } from "../replica/ports.ts";
import { Opener, Sealer, Unsealable } from "./sealed-frames.ts";

const KEY = new Uint8Array(32).fill(3);
const bytes = (length: number) => Uint8Array.from({ length }, (_, i) => (i * 31) % 251);

function pair(): [Sealer, Opener] {
  return [new Sealer(KEY), new Opener(KEY)];
}

/** What comes of pieces: whole frames, until one does not open. */
function openAll(opener: Opener, pieces: readonly Uint8Array[]): (PeerFrame | "unsealable")[] {
  const frames: (PeerFrame | "unsealable")[] = [];
  for (const piece of pieces) {
    try {
      const frame = opener.open(piece);
      if (frame !== null) frames.push(frame);
    } catch (error) {
      if (!(error instanceof Unsealable)) throw error;
      frames.push("unsealable");
      break;
    }
  }
  return frames;
}

test("[R91] texts and bytes of any length come out as they went in, in order", () => {
  const lengths = [0, 1, LINK_PIECE_BYTES_MAX - 1, LINK_PIECE_BYTES_MAX, LINK_PIECE_BYTES_MAX + 1];
  const frames: PeerFrame[] = [
    ...lengths.flatMap((length) => [bytes(length), "é".repeat(length)]),
    bytes(PEER_FRAME_BYTES_MAX),
  ];
  const [sealer, opener] = pair();
  expect(
    openAll(
      opener,
      frames.flatMap((frame) => sealer.seal(frame)),
    ),
  ).toEqual(frames);
});

test("[R91] nothing of a frame can be read on its way", () => {
  const [sealer] = pair();
  const [piece] = sealer.seal("attack at dawn");
  expect(Buffer.from(piece as Uint8Array).includes("dawn")).toBe(false);
  const [again] = sealer.seal("attack at dawn");
  expect(again).not.toEqual(piece as Uint8Array<ArrayBuffer>);
});

test("[R91] a piece that was changed, lost, repeated, moved or made up does not open", () => {
  const sealed = () => {
    const [sealer, opener] = pair();
    const pieces = ["one", "two", "three"].flatMap((text) => sealer.seal(text));
    return { pieces, opener };
  };
  const flipped = sealed();
  (flipped.pieces[1] as Uint8Array)[0]! ^= 1;
  expect(openAll(flipped.opener, flipped.pieces)).toEqual(["one", "unsealable"]);
  const lost = sealed();
  expect(openAll(lost.opener, [lost.pieces[0]!, lost.pieces[2]!])).toEqual(["one", "unsealable"]);
  const twice = sealed();
  expect(openAll(twice.opener, [twice.pieces[0]!, twice.pieces[0]!])).toEqual([
    "one",
    "unsealable",
  ]);
  const moved = sealed();
  expect(openAll(moved.opener, [moved.pieces[1]!])).toEqual(["unsealable"]);
  for (const made of [
    bytes(0),
    bytes(16),
    bytes(17),
    bytes(100),
    bytes(LINK_PIECE_BYTES_MAX * 2),
  ]) {
    expect(openAll(pair()[1], [made])).toEqual(["unsealable"]);
  }
  const foreign = new Sealer(new Uint8Array(32)).seal("one");
  expect(openAll(pair()[1], foreign)).toEqual(["unsealable"]);
});

test("[R91] any one bit of any piece counts", () => {
  const [sealer] = pair();
  const piece = sealer.seal(bytes(40))[0] as Uint8Array;
  fc.assert(
    fc.property(fc.nat(piece.length - 1), fc.nat(7), (at, bit) => {
      const changed = Uint8Array.from(piece);
      changed[at]! ^= 1 << bit;
      expect(openAll(pair()[1], [changed])).toEqual(["unsealable"]);
    }),
    { numRuns: heavy(200, 20_000) },
  );
});

test("[R10.18] a frame past its bound ends the link before it is whole", () => {
  const [sealer, opener] = pair();
  // Seals more than an honest end may: pieces that never say they are the last.
  const endless = sealer as unknown as { piece(flags: number, part: Uint8Array): Uint8Array };
  let taken = 0;
  const feed = () => {
    for (;;) {
      opener.open(endless.piece(0, bytes(LINK_PIECE_BYTES_MAX)));
      taken += LINK_PIECE_BYTES_MAX;
    }
  };
  expect(feed).toThrow(Unsealable);
  expect(taken).toBe(PEER_FRAME_BYTES_MAX);
  const [hollow, patient] = pair();
  const empty = (hollow as unknown as typeof endless).piece(0, bytes(0));
  expect(openAll(patient, [empty])).toEqual(["unsealable"]);
});

test("a text that is none ends the link", () => {
  const [sealer, opener] = pair();
  const made = sealer as unknown as { piece(flags: number, part: Uint8Array): Uint8Array };
  expect(openAll(opener, [made.piece(3, Uint8Array.of(0xff, 0xfe))])).toEqual(["unsealable"]);
});
