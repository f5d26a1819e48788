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

  test("whose link is lost leaves at once, whatever others still say of it", () => {
    const peer = new Watched().see();
    peer.see({ isLinked: false, isReached: true });
    expect(peer.detector.out).toBe("unlinked");
    peer.see({ isLinked: false, isReached: true });
    expect(peer.detector.out).toBe("quiet");
    peer.nowMs += QUIET_MS_MIN;
    peer.see({ isLinked: false, isReached: true });
    expect(peer.detector.isInSync).toBe(true);
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
