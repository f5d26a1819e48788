import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  BEAT_PEER_INTERVAL_MS,
  PEER_LAG_MS_MAX,
  PEER_LAG_OPS_MAX,
  QUIET_FORGIVEN_MS,
  QUIET_MS_MAX,
  QUIET_MS_MIN,
  SUSPECT_AFTER_MS,
  VOUCH_SILENT_MS_MAX,
} from "../core/limits.ts";
import { Detector, type PeerChange, type Signs } from "./detector.ts";

const WELL: Signs = {
  isLinked: true,
  isReached: false,
  isRemoved: false,
  saidGoodbye: false,
  isCaughtUp: true,
  unansweredMs: 0,
  lagOps: 0,
  takesWrites: true,
};

class Watched {
  readonly told: string[] = [];
  readonly detector = new Detector((change: PeerChange) =>
    this.told.push(change.what === "out_of_sync" ? change.reason : change.what),
  );
  nowMs = 0;

  see(signs: Partial<Signs> = {}): this {
    this.detector.evaluate({ ...WELL, ...signs }, this.nowMs);
    return this;
  }

  /** Beats go by; it is heard, or not. */
  pass(ms: number, isHeard: boolean, signs: Partial<Signs> = {}): this {
    for (let at = 0; at < ms; at += BEAT_PEER_INTERVAL_MS) {
      this.nowMs += BEAT_PEER_INTERVAL_MS;
      if (isHeard) this.detector.heard();
      this.detector.tick(BEAT_PEER_INTERVAL_MS);
      if (isHeard) this.detector.heard();
      this.see(signs);
    }
    return this;
  }
}

describe("a peer", () => {
  test("joins, is in sync, falls silent, and comes back after its quiet period", () => {
    const peer = new Watched().see();
    expect(peer.told).toEqual(["joined", "in_sync"]);
    peer.pass(SUSPECT_AFTER_MS - BEAT_PEER_INTERVAL_MS, false);
    expect(peer.detector.isInSync).toBe(true);
    peer.pass(BEAT_PEER_INTERVAL_MS, false);
    expect(peer.detector.out).toBe("suspect");
    peer.pass(QUIET_MS_MIN - BEAT_PEER_INTERVAL_MS, true);
    expect(peer.detector.out).toBe("quiet");
    peer.pass(BEAT_PEER_INTERVAL_MS, true);
    expect(peer.told).toEqual(["joined", "in_sync", "suspect", "suspect", "returned", "in_sync"]);
  });

  test("is out for each of its reasons, and told once", () => {
    const reasons: [Partial<Signs>, string][] = [
      [{ isRemoved: true }, "removed"],
      [{ saidGoodbye: true }, "goodbye"],
      [{ unansweredMs: PEER_LAG_MS_MAX }, "lag"],
      [{ lagOps: PEER_LAG_OPS_MAX + 1 }, "lag"],
      [{ isCaughtUp: false }, "catching_up"],
      [{ takesWrites: false }, "disk"],
      [{ isLinked: false }, "unlinked"],
    ];
    for (const [signs, reason] of reasons) {
      const peer = new Watched().see().see(signs).see(signs);
      expect(peer.detector.out as string).toBe(reason === "unlinked" ? "unlinked" : reason);
      expect(peer.told.filter((what) => what === reason)).toHaveLength(1);
    }
  });

  test("whose link breaks and comes back stays in while a third server hears it", () => {
    const peer = new Watched().see();
    peer.see({ isLinked: false, isReached: true });
    peer.see({ isLinked: true, isReached: true, isCaughtUp: false });
    peer.see({ isLinked: true, isReached: true });
    expect(peer.told).toEqual(["joined", "in_sync", "lost", "returned"]);
    peer.see({ isLinked: false, isReached: true });
    peer.see({ isLinked: false, isReached: false });
    expect(peer.detector.out).toBe("unlinked");
    peer.see({ isLinked: false, isReached: true });
    expect(peer.detector.out).toBe("quiet");
    peer.nowMs += QUIET_MS_MIN;
    peer.see({ isLinked: false, isReached: true });
    expect(peer.detector.isInSync).toBe(true);
  });

  test("whose link is lost and whom nobody hears leaves at once, and what is said in that moment is no return", () => {
    const peer = new Watched().see({ isReached: true });
    peer.see({ isReached: true, saidGoodbye: true });
    expect(peer.detector.out).toBe("goodbye");
    peer.see({ isReached: true, saidGoodbye: true, isLinked: false });
    expect(peer.detector.out as string).toBe("goodbye");
    const dead = new Watched().see().see({ isLinked: false });
    expect(dead.detector.out).toBe("unlinked");
  });

  test("that a third server hears is out for no silence of its link, but for the next one soon after", () => {
    const silence = SUSPECT_AFTER_MS + BEAT_PEER_INTERVAL_MS;
    const peer = new Watched().see().pass(silence, false, { isReached: true });
    expect(peer.told).toEqual(["joined", "in_sync", "suspect"]);
    peer.pass(silence, true, { isReached: true }).pass(silence, false, { isReached: true });
    expect(peer.detector.out).toBe("suspect");
    const later = new Watched().see().pass(silence, false, { isReached: true });
    later.pass(QUIET_FORGIVEN_MS, true).pass(silence, false, { isReached: true });
    expect(later.detector.isInSync).toBe(true);
  });

  test("in trouble of its own is out, whoever hears it", () => {
    const troubles: Partial<Signs>[] = [
      { unansweredMs: PEER_LAG_MS_MAX },
      { lagOps: PEER_LAG_OPS_MAX + 1 },
      { takesWrites: false },
    ];
    for (const trouble of troubles) {
      const peer = new Watched().see({ isReached: true }).see({ ...trouble, isReached: true });
      expect(peer.detector.isInSync).toBe(false);
    }
  });

  test("is vouched for only while it was heard well within the time of a suspicion", () => {
    const peer = new Watched().see().pass(VOUCH_SILENT_MS_MAX, false);
    expect([peer.detector.isInSync, peer.detector.isHeardLately]).toEqual([true, true]);
    peer.pass(BEAT_PEER_INTERVAL_MS, false);
    expect([peer.detector.isInSync, peer.detector.isHeardLately]).toEqual([true, false]);
  });

  test("that flaps stays out twice as long each time, up to a bound, until it is forgiven", () => {
    const peer = new Watched().see();
    const outs: number[] = [];
    const flap = () => {
      peer.see({ isLinked: false });
      const fromMs = peer.nowMs;
      while (!peer.detector.isInSync) {
        peer.nowMs += BEAT_PEER_INTERVAL_MS;
        peer.see();
      }
      outs.push(peer.nowMs - fromMs);
    };
    for (let i = 0; i < 8; i++) flap();
    expect(outs).toEqual([1, 2, 4, 8, 16, 30, 30, 30].map((times) => times * QUIET_MS_MIN));
    expect(outs.at(-1)).toBe(QUIET_MS_MAX);
    peer.nowMs += QUIET_FORGIVEN_MS;
    flap();
    expect(outs.at(-1)).toBe(QUIET_MS_MIN);
  });

  test("is not suspected for the time in which this server itself stood still", () => {
    const peer = new Watched().see();
    peer.nowMs += 60_000;
    peer.detector.tick(60_000);
    expect(peer.see().detector.isInSync).toBe(true);
  });

  test("that says goodbye or is removed has no quiet period", () => {
    for (const signs of [{ saidGoodbye: true }, { isRemoved: true }]) {
      const peer = new Watched()
        .see()
        .see(signs)
        .see({ ...signs, isLinked: false });
      expect(peer.see().detector.isInSync).toBe(true);
    }
  });

  test("enters and leaves in turns, whatever is seen", () => {
    const signs = fc.record({
      isLinked: fc.boolean(),
      isReached: fc.boolean(),
      isRemoved: fc.boolean(),
      saidGoodbye: fc.boolean(),
      isCaughtUp: fc.boolean(),
      unansweredMs: fc.constantFrom(0, PEER_LAG_MS_MAX),
      lagOps: fc.constantFrom(0, PEER_LAG_OPS_MAX + 1),
      takesWrites: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(fc.tuple(signs, fc.nat({ max: 3_000 })), { maxLength: 60 }), (all) => {
        const peer = new Watched();
        let isIn = false;
        for (const [seen, ms] of all) {
          peer.nowMs += ms;
          const before = peer.told.length;
          peer.see(seen);
          const news = peer.told.slice(before);
          const changes = news.filter(
            (what) => !["joined", "returned", "lost", "suspect"].includes(what),
          );
          expect(changes.length).toBe(isIn === peer.detector.isInSync ? 0 : 1);
          isIn = peer.detector.isInSync;
          if (isIn) expect(seen.isRemoved || (!seen.isLinked && !seen.isReached)).toBe(false);
        }
      }),
      { numRuns: 500 },
    );
  });
});
