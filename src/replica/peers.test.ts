import { afterEach, describe, expect, test } from "bun:test";
import { chainOf, Hand, ORIGIN, opOf } from "../../test/peer-hand.ts";
import { fate, Rig, settle } from "../../test/replica-rig.ts";
import { toBase64Url } from "../core/bytes.ts";
import type { Incarnation } from "../core/ids.ts";
import {
  HEADS_PER_FRAME_MAX,
  LINK_SILENT_MS,
  SAID_ORIGINS_MAX,
  SUSPECT_AFTER_MS,
} from "../core/limits.ts";
import type { FoldedName } from "../core/names.ts";
import type { Op } from "../core/op.ts";
import { stampText } from "../core/stamp.ts";

let rig: Rig;
afterEach(() => rig.view.close());

/** Everything that was handed to the log is on its disk. */
function commitAll(): void {
  rig.turn();
  while (rig.log.batches.length > 0) rig.log.commit();
  rig.turn();
}

/** Seqs of what others minted and is stored here: this server itself mints who is a member. */
function stored(): number[] {
  const all = rig.log.ops(1, 1_000).map(({ op }) => op);
  return all.filter(({ origin }) => !origin.startsWith("a.")).map(({ seq }) => seq);
}

describe("[R1, R6] a peer that came back with another store", () => {
  const isGone = (storeId: string) => rig.replica.cursors.stores.storeKnown(storeId)?.isGone;
  const back = (storeId: string) => {
    const peer = new Hand(rig, "b", storeId).join();
    rig.replica.unlinked(peer, "killed");
  };

  test("is not taken for the former one because somebody has not heard of that", () => {
    rig = new Rig();
    back("first");
    back("second");
    const c = new Hand(rig, "c").join();
    c.beat(["a", "b"]);
    c.say({ type: "ack", held: [], upTo: 0, by: { server: "b", store: "first" } });
    expect(isGone("second")).toBe(false);
    expect(isGone("first")).toBe(true);
    c.say({ type: "ack", held: [], upTo: 0, by: { server: "b", store: "third" } });
    expect(isGone("second")).toBe(true);
  });

  test("and then with the former one again: that one is no longer gone", () => {
    rig = new Rig();
    back("first");
    back("second");
    back("first");
    expect(isGone("first")).toBe(false);
    expect(isGone("second")).toBe(true);
  });
});

describe("what a peer sends", () => {
  test("is stored once, folded and acknowledged when it is durable, not before", () => {
    rig = new Rig();
    const peer = new Hand(rig).join();
    const ops = [opOf(1), opOf(2), opOf(3)];
    peer.ops(ops.slice(0, 2));
    peer.ops(ops.slice(0, 2)); // again
    peer.ops(ops.slice(1), undefined, chainOf(ops.slice(0, 1))); // overlapping
    rig.turn();
    expect(peer.heard("ack")).toEqual([]);
    commitAll();
    expect(stored()).toEqual([1, 2, 3]);
    expect(rig.view.foldedN).toBe(rig.log.lastN);
    expect(peer.heard("ack").map(({ held, upTo }) => ({ held, upTo }))).toEqual([
      { held: [[ORIGIN, 3, toBase64Url(chainOf(ops))]], upTo: rig.log.lastN },
    ]);
    expect(peer.closed).toBeNull();
  });

  const nonsense: [string, (peer: Hand) => void][] = [
    ["text that is no JSON", (peer) => peer.frame("{")],
    ["a message that is not as declared", (peer) => peer.say({ type: "ack", held: 1 })],
    ["bytes that are no batch", (peer) => peer.frame(new Uint8Array(40))],
    ["a gap", (peer) => peer.ops([opOf(2)])],
    ["a gap within a batch", (peer) => peer.ops([opOf(1), opOf(3)])],
    ["another body", (peer) => peer.ops([opOf(1)], (op) => ({ ...op, body: new Uint8Array(40) }))],
    ["a body kept back", (peer) => peer.ops([opOf(1)], (op) => ({ ...op, body: null }))],
    [
      "a proof that proves nothing",
      (peer) => peer.ops([opOf(1)], (op) => ({ ...op, body: null, proof: opOf(2).bytes })),
    ],
    [
      "a body where there was none",
      (peer) => peer.ops([opOf(1, null)], (op) => ({ ...op, body: new Uint8Array(40) })),
    ],
    [
      "a chain that does not begin",
      (peer) => peer.ops([opOf(1)], undefined, new Uint8Array(16).fill(1)),
    ],
    [
      "an op of another origin",
      (peer) => peer.ops([opOf(1), opOf(2, "x", "c.0123456789" as Incarnation)]),
    ],
  ];
  for (const [what, act] of nonsense) {
    test(`[R10] ${what}: it is dropped and counted, and nothing of it is stored`, () => {
      rig = new Rig();
      const peer = new Hand(rig).join();
      act(peer);
      commitAll();
      expect(peer.closed).toBe("nonsense");
      expect(stored()).toEqual([]);
      expect(rig.replica.figures().drops.get("nonsense")).toBe(1);
      peer.ops([opOf(1)]); // after its end nothing of it is heard
      commitAll();
      expect(stored()).toEqual([]);
      const again = new Hand(rig).join();
      again.ops([opOf(1)]);
      commitAll();
      expect(stored()).toEqual([1]);
    });
  }

  for (const [whose, by] of [
    ["of its own", {}],
    ["of another server", { by: { server: "c", store: "store of c" } }],
  ] as const) {
    test(`[R10] of ever more origins that nobody has, ${whose}: it is dropped as a flood`, () => {
      rig = new Rig();
      const peer = new Hand(rig).join();
      for (let from = 0; peer.closed === null; from += HEADS_PER_FRAME_MAX) {
        expect(from).toBeLessThanOrEqual(SAID_ORIGINS_MAX);
        const held = Array.from({ length: HEADS_PER_FRAME_MAX }, (_, i) => {
          return [`x.${(from + i).toString(32).padStart(10, "0")}`, 5, "A".repeat(22)];
        });
        peer.say({ type: "ack", held, upTo: 0, ...by });
      }
      expect(peer.closed).toBe("flood");
      expect(rig.replica.figures().drops.get("flood")).toBe(1);
    });
  }

  test("of a type that this release does not know is passed over", () => {
    rig = new Rig();
    const peer = new Hand(rig).join();
    peer.say({ type: "of a later release", more: [1] });
    peer.say({ type: "goodbye", why: "of a later release" });
    expect(peer.closed).toBeNull();
  });

  test("of another branch of an origin is not taken, and reported", () => {
    rig = new Rig();
    const peer = new Hand(rig).join();
    const mine = [opOf(1), opOf(2)];
    peer.ops(mine);
    commitAll();
    const theirs = [opOf(1), opOf(2, "another branch"), opOf(3)];
    peer.ops(theirs);
    commitAll();
    expect(rig.alarms).toEqual(["branch on"]);
    expect(stored()).toEqual([1, 2]);
    // Nor where only the chain before tells, as after a restart.
    peer.ops(theirs.slice(2), undefined, chainOf(theirs.slice(0, 2)));
    commitAll();
    expect(stored()).toEqual([1, 2]);
    expect(peer.closed).toBeNull();
    expect(rig.replica.figures().branches).toBe(1);
  });

  test("under the incarnation that mints here is not taken: another one begins", async () => {
    rig = new Rig();
    const peer = new Hand(rig).join();
    const first = rig.post(1);
    commitAll();
    const mine = rig.log.ops(1, 10).map(({ op }) => op);
    const { origin, seq } = mine.at(-1) as Op;
    peer.say({ type: "ack", held: [[origin, seq, toBase64Url(chainOf(mine))]], upTo: 0 });
    await settle();
    expect(first.outcome?.receipt).toEqual({ held: ["a", "b"], of: 2 });
    const twin = opOf(seq + 1, "minted by a resumed snapshot", origin);
    peer.ops([twin], undefined, chainOf(mine));
    commitAll();
    expect(rig.log.lastN).toBe(mine.length);
    rig.post(2);
    commitAll();
    const next = rig.log.op(rig.log.lastN);
    expect([next.origin === origin, next.seq]).toEqual([false, 1]);
    expect(rig.alarms).toContain("branch on");
  });
});

describe("silence", () => {
  test("[R10] for long ends the link; a peer that beats keeps it", () => {
    rig = new Rig();
    const quiet = new Hand(rig, "b").join();
    const alive = new Hand(rig, "c").join();
    for (let ms = 0; ms < LINK_SILENT_MS + 300; ms += 100) {
      alive.beat();
      rig.clock.pass(100);
      if (ms === SUSPECT_AFTER_MS + 100) {
        expect(rig.replica.status().servers.map(({ link }) => link)).toEqual([
          "self",
          "suspect",
          "live",
        ]);
      }
    }
    expect([quiet.closed, alive.closed]).toEqual(["silent", null]);
  });
});

describe("a copy of this store", () => {
  test("is not linked to: two servers of one store would count one disk twice", () => {
    rig = new Rig();
    const twin = new Hand(rig, "b", rig.log.storeId);
    expect(twin.closed).toBe("same_store");
    expect(rig.replica.status().servers).toHaveLength(1);
  });
});

describe("[R8] names", () => {
  const NAME = "bob" as FoldedName;
  const reserve = (peer: Hand, key: number, ms: number, holder = "theirs", name = NAME as string) =>
    peer.say({
      type: "reserve",
      key,
      table: "account",
      name,
      holder,
      stamp: stampText({ ms, counter: 0 }),
      origin: ORIGIN,
    });
  const ask = () => {
    const asked = rig.replica.reserve("account", NAME, "ours");
    return {
      asked,
      known: fate(asked as never) as unknown as {
        outcome?: { release(): void };
        refusal?: { code: string };
      },
    };
  };

  test("a server alone agrees with itself, and is asked by nobody", async () => {
    rig = new Rig();
    (await rig.replica.reserve("account", NAME, "ours")).release();
    const first = await rig.replica.reserve("account", NAME, "one");
    const second = ask();
    await settle();
    expect(second.known).toEqual({}); // one after the other
    first.release();
    await settle();
    expect(second.known.outcome).toBeDefined();
  });

  test("all who are heard are asked; one denial is enough, and nobody gone is waited for", async () => {
    rig = new Rig();
    const [b, c] = [new Hand(rig, "b").join(), new Hand(rig, "c").join()];
    const first = ask();
    const keys = [b, c].map((peer) => peer.heard("reserve")[0]?.key as number);
    b.say({ type: "granted", key: keys[0] });
    await settle();
    expect(first.known).toEqual({});
    c.say({ type: "denied", key: keys[1] });
    await settle();
    expect(first.known.refusal?.code).toBe("name_taken");
    expect(b.heard("release")).toHaveLength(1);
    const second = ask();
    b.say({ type: "granted", key: b.heard("reserve")[1]?.key });
    rig.replica.unlinked(c, "killed");
    await settle();
    expect(second.known.outcome).toBeDefined();
  });

  test("of two at once the smaller goes on, the larger waits for what becomes of it", async () => {
    rig = new Rig();
    const peer = new Hand(rig).join();
    const ours = ask();
    const mine = peer.heard("reserve")[0] as { key: number };
    reserve(peer, 7, rig.clock.wallMs() + 60_000); // larger
    expect([peer.heard("granted"), peer.heard("denied")]).toEqual([[], []]);
    reserve(peer, 8, 1, "smaller");
    expect(peer.heard("granted").map(({ key }) => key)).toEqual([8]);
    peer.say({ type: "granted", key: mine.key });
    await settle();
    ours.known.outcome?.release(); // it came to nothing after all
    expect(peer.heard("granted").map(({ key }) => key)).toEqual([8, 7]);
  });

  test("what was granted comes first, also to a peer whose clock is an hour ahead", async () => {
    rig = new Rig();
    const peer = new Hand(rig).join();
    reserve(peer, 1, rig.clock.wallMs() + 3_600_000);
    expect(peer.heard("granted").map(({ key }) => key)).toEqual([1]);
    const ours = ask();
    await settle();
    expect(peer.heard("reserve")).toEqual([]); // it waits
    peer.say({ type: "release", key: 1 });
    await settle();
    expect(peer.heard("reserve")).toHaveLength(1);
    expect(ours.known).toEqual({});
  });

  test("who holds one name for one account is no rival of itself; other names are free", () => {
    rig = new Rig();
    const peer = new Hand(rig).join();
    ask();
    reserve(peer, 1, rig.clock.wallMs() + 60_000, "ours");
    reserve(peer, 2, rig.clock.wallMs() + 60_000, "theirs", "alice");
    expect(peer.heard("granted").map(({ key }) => key)).toEqual([1, 2]);
  });

  test("what a peer reserved ends with its link", async () => {
    rig = new Rig();
    const peer = new Hand(rig).join();
    reserve(peer, 1, 1);
    const ours = ask();
    await settle();
    expect(peer.heard("reserve")).toHaveLength(0); // theirs is smaller
    rig.replica.unlinked(peer, "killed");
    await settle();
    expect(ours.known.outcome).toBeDefined();
  });

  test("nobody waits for ever", async () => {
    rig = new Rig();
    const peer = new Hand(rig).join();
    const ours = ask();
    for (let i = 0; i < 60; i++) {
      peer.beat();
      rig.clock.pass(100);
    }
    await settle();
    expect(ours.known.refusal?.code).toBe("unavailable");
  });
});

test("two logs that stay apart with nothing on its way are compared again", () => {
  rig = new Rig();
  const peer = new Hand(rig).join();
  expect(peer.heard("vector")).toHaveLength(1);
  for (let i = 0; i < 50; i++) {
    peer.say({
      ...(peer.heard("beat").at(-1) as object),
      digest: "123",
      links: ["a"],
      inSync: ["a"],
    });
    rig.clock.pass(100);
  }
  expect(peer.heard("vector").length).toBeGreaterThan(1);
  expect(peer.heard("vector").length).toBeLessThan(4); // less and less often
});

test("what differs is found by buckets, and only those are listed", () => {
  rig = new Rig(Array.from({ length: 300 }, (_, i) => opOf(1, "x", originOf(i))));
  const peer = new Hand(rig);
  peer.say({ type: "vector", digest: "1", origins: 300, upTo: 300 });
  const [buckets] = peer.heard("buckets");
  const digests = [...(buckets?.digests ?? [])];
  digests[digests.findIndex((digest) => digest !== "0")] = "1";
  peer.say({ type: "buckets", digests });
  const [heads] = peer.heard("heads");
  expect(heads?.last?.differ).toHaveLength(1);
  expect(heads?.heads.length).toBeGreaterThan(0);
  expect(heads?.heads.length).toBeLessThan(20);
  const chain = toBase64Url(chainOf([opOf(1, "x", heads?.heads[0]?.[0] as Incarnation)]));
  expect(heads?.heads[0]?.slice(1)).toEqual([1, chain]);
});

function originOf(i: number): Incarnation {
  return `c.${i.toString(32).padStart(10, "0")}` as Incarnation;
}
