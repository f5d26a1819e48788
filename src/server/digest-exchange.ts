/**
 * Digests of views, this server's own and those of linked peers: the replica's links carry the questions.
 *
 * What a peer asks for is made off the event loop, one range at a time for each peer; a peer that asks for more
 * at once is refused, and one that does not answer in time, or is gone, is told as `unavailable`.
 */
import { Refusal } from "../core/errors.ts";
import { DIGEST_WAIT_MS } from "../core/limits.ts";
import type { RangeAsk, RangeDigest } from "../core/view-range.ts";
import type { PeerMessage } from "../protocol/peer.ts";
import type { Clock, Timer } from "../replica/ports.ts";
import type { Replica } from "../replica/replica.ts";

/** Makes digests of this server's view. */
export interface OwnDigests {
  range(ask: RangeAsk): Promise<RangeDigest>;
}

type Told = NonNullable<PeerMessage<"digested">["range"]>;

type Asked = {
  readonly server: string;
  readonly resolve: (range: RangeDigest) => void;
  readonly reject: (error: Refusal) => void;
  readonly timer: Timer;
};

export class DigestExchange {
  private readonly replica: Replica;
  private readonly clock: Clock;
  private readonly own: OwnDigests;
  private readonly asked = new Map<number, Asked>();
  /** Peers for whom a range is being made. */
  private readonly served = new Set<string>();
  private lastKey = 0;

  constructor(replica: Replica, clock: Clock, own: OwnDigests) {
    this.replica = replica;
    this.clock = clock;
    this.own = own;
    replica.listen({
      folded: () => {},
      alarm: () => {},
      peer: (server, { what }) => {
        if (what === "lost") this.lost(server);
      },
      compared: (server, message) => {
        if (message.type === "digested") this.heard(server, message);
        else void this.serve(server, message);
      },
    });
  }

  /** Throws Refusal. */
  of(server: string, ask: RangeAsk): Promise<RangeDigest> {
    if (server === this.replica.name) return this.own.range(ask);
    const key = ++this.lastKey;
    return new Promise((resolve, reject) => {
      const giveUp = () => this.fail(key, "does not answer: it is busy, or of an older release");
      const timer = this.clock.schedule(DIGEST_WAIT_MS, giveUp);
      this.asked.set(key, { server, resolve, reject, timer });
      const range = ask as PeerMessage<"digest">["range"];
      if (!this.replica.peers.isLinked(server)) this.fail(key, "has no link to this one");
      else this.replica.peers.say(server, { type: "digest", key, range });
    });
  }

  private fail(key: number, why: string): void {
    const asked = this.asked.get(key);
    this.asked.delete(key);
    asked?.timer.cancel();
    asked?.reject(new Refusal("unavailable", `server ${asked.server} ${why}`));
  }

  private lost(server: string): void {
    for (const [key, asked] of this.asked) if (asked.server === server) this.fail(key, "is lost");
  }

  private heard(server: string, { key, range, problem }: PeerMessage<"digested">): void {
    const asked = this.asked.get(key);
    if (asked?.server !== server) return;
    if (range === undefined) {
      this.fail(key, `gives no digest: ${problem ?? "it does not say why"}`);
      return;
    }
    this.asked.delete(key);
    asked.timer.cancel();
    asked.resolve(range as RangeDigest);
  }

  private async serve(server: string, { key, range }: PeerMessage<"digest">): Promise<void> {
    const answer = await this.made(server, range);
    this.replica.peers.say(server, { type: "digested", key, ...answer });
  }

  private async made(
    server: string,
    ask: RangeAsk,
  ): Promise<{ range: Told } | { problem: string }> {
    if (this.served.has(server)) return { problem: "one range at a time" };
    this.served.add(server);
    try {
      return { range: (await this.own.range(ask)) as Told };
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return { problem: error.message };
    } finally {
      this.served.delete(server);
    }
  }
}
