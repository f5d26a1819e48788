/**
 * Where an op is: on this disk, and on those of the peers that said so. What is said here is never more than
 * what a disk holds: only stores count that are attested by a link that lives.
 */
import { Refusal } from "../core/errors.ts";
import type { Incarnation } from "../core/ids.ts";
import type { Op } from "../core/op.ts";
import type { StoreKnown, Stores } from "./cursors.ts";
import type { Members } from "./members.ts";
import type { Log } from "./ports.ts";
import type { KnownCopies, Receipt } from "./receipts.ts";
import type { Standings } from "./standings.ts";

type Options = { readonly name: string; readonly log: Log; readonly minCopies?: number };

const GONE: StoreKnown = { coversN: -1, isGone: true, oursAt: () => null };
const ON_ITS_WAY: StoreKnown = { ...GONE, isGone: false };

const COPIES_RETRY_MS = 1_000;

export class Copies implements KnownCopies, Stores {
  private readonly name: string;
  private readonly log: Log;
  private readonly minCopies: number;
  private readonly members: Members;
  private readonly peers: Standings;
  private readonly alone: Receipt;

  constructor({ name, log, minCopies = 1 }: Options, members: Members, peers: Standings) {
    this.name = name;
    this.log = log;
    this.minCopies = minCopies;
    this.members = members;
    this.peers = peers;
    this.alone = { held: [name], of: 1 };
  }

  isEnough(origin: Incarnation, seq: number): boolean {
    const { inSync } = this.peers;
    for (const { marks } of inSync) if (marks.seqOf(origin) < seq) return false;
    return (
      inSync.length + 1 >= this.minCopies || this.holders(origin, seq).length >= this.minCopies
    );
  }

  isEnoughOf(n: number): boolean {
    const { origin, seq } = this.log.op(n);
    return this.isEnough(origin, seq);
  }

  /** Names of the members that hold an op, this one included. */
  private holders(origin: Incarnation, seq: number): string[] {
    return this.names().filter((name) => {
      if (name === this.name) return true;
      const peer = this.peers.all.get(name);
      if (peer === undefined || peer.marks.seqOf(origin) < seq) return false;
      return peer.isAttested;
    });
  }

  /** Members, and who is linked and about to be one. */
  private names(): readonly string[] {
    const { names } = this.members;
    let all = names;
    for (const { name, session } of this.peers.all.values()) {
      if (session === null || names.includes(name) || this.members.isRemoved(name)) continue;
      all = [...all, name];
    }
    return all === names ? names : [...all].sort();
  }

  receiptOf(n: number): Receipt {
    const names = this.names();
    if (names.length === 1) return this.alone;
    const { origin, seq } = this.log.op(n);
    return { held: this.holders(origin, seq), of: names.length };
  }

  isHeldByAll({ origin, seq }: Op): boolean {
    return this.peers.inSync.every(({ marks }) => marks.seqOf(origin) >= seq);
  }

  /** Throws Refusal `unavailable` when fewer copies could be made than a write needs. */
  assertEnough(): void {
    const live = this.peers.inSync.length + 1;
    if (live >= this.minCopies) return;
    const what = `a write needs ${this.minCopies} copies, and server ${this.name} reaches ${live} with itself: it takes no writes until more servers are in sync`;
    throw new Refusal("unavailable", what, COPIES_RETRY_MS);
  }

  /** What the arrival numbers of another store mean here; null if nothing is known of it. */
  storeKnown(storeId: string): StoreKnown | null {
    for (const peer of this.peers.all.values()) {
      const { name, marks, formerStores } = peer;
      if (formerStores.has(storeId)) {
        // A salvaged disk is another store, and what it kept is to come first.
        return peer.session === null || peer.hasTold ? GONE : ON_ITS_WAY;
      }
      if (marks.storeId !== storeId) continue;
      const isGone = this.members.isRemoved(name);
      return { coversN: marks.coversNotedN, isGone, oursAt: (theirs) => marks.oursAt(theirs) };
    }
    return null;
  }

  /** Whether every other server is linked, as far as is known, and nothing that one of them has is missing here. */
  get hasAll(): boolean {
    const areHeard = this.names().every((name) => {
      if (name === this.name) return true;
      const peer = this.peers.all.get(name);
      return peer?.isLive === true && peer.hasTold;
    });
    return areHeard && this.peers.lagOps() === 0;
  }

  /**
   * Whether no server has this store any more, and what others had of it is here. Also true where nobody remembers
   * whose it was, after restarts.
   */
  isNowhere(storeId: string): boolean {
    const isThere = [...this.peers.all.values()].some(({ marks }) => marks.storeId === storeId);
    return !isThere && this.hasAll;
  }
}
