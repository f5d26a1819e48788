/**
 * Names are reserved before they are minted: of a race there is one winner, and who is told `name_taken` before
 * anything was made is told the truth.
 *
 * Problem: two servers may be asked for one name at one moment, and nothing here is decided by a majority.
 * Approach: whoever wants a name asks every live peer, and mints when all agreed. A peer denies what its view
 * knows as taken. A request that meets another one for the same name is ordered by (stamp, origin): the smaller
 * goes on, the larger waits for what becomes of it. Rejected: denying the larger at once (the smaller may come to
 * nothing, and then nobody has the name that somebody was told is taken).
 *
 * Stamps only order: a new one is behind all that are known here, also where no clock is.
 *
 * Decision: {@link verdict}.
 * Invariants: 1. Two servers that hear each other never both win: the smaller is not granted the name by one who
 * has won, the larger not by one who still tries. 2. Nobody waits for a larger one but for a winner: no circles.
 * 3. A reservation of a peer ends with its link; one that is released lasts until what was sent before is folded.
 * 4. Who has been asked and is gone, suspect or silent is not waited for.
 */
import { compareText } from "../core/bytes.ts";
import { Refusal } from "../core/errors.ts";
import type { Incarnation } from "../core/ids.ts";
import { RESERVATIONS_MAX, RESERVE_DEADLINE_MS } from "../core/limits.ts";
import type { FoldedName } from "../core/names.ts";
import {
  compareStamps,
  MS_MAX,
  nextStamp,
  parseStamp,
  type Stamp,
  stampText,
} from "../core/stamp.ts";
import type { NameSpace } from "../core/view.ts";
import type { PeerMessage, PeerText } from "../protocol/peer.ts";
import type { Clock, Timer } from "./ports.ts";

/**
 * A name that was agreed on. It is kept for as long as it is not released: do so once the op that claims it is
 * folded, or is not to be. Nothing ends it by the clock, for then two could have it.
 */
export type Reservation = { release(): void };

type Claim = {
  readonly table: NameSpace;
  readonly name: FoldedName;
  readonly holder: string;
  readonly stamp: Stamp;
  readonly origin: Incarnation;
};
/** What a peer asked for. */
type Theirs = Claim & {
  readonly peer: string;
  readonly key: number;
  state: "waiting" | "granted" | "released";
  /** Once released: it is forgotten when so many ops of others were folded. */
  untilTaken: number;
};
/** What was asked for here. */
type Ours = Claim & {
  readonly key: number;
  /** Peers whose word is missing. */
  readonly asked: Set<string>;
  /** Peers that were ever asked: all of them hear of its end. */
  readonly told: Set<string>;
  state: "waiting" | "asking" | "won";
  readonly timer: Timer;
  readonly resolve: (reservation: Reservation) => void;
  readonly reject: (refusal: Refusal) => void;
};

export type ReservationParts = {
  readonly clock: Clock;
  readonly nextStamp: () => Stamp;
  readonly merge: (stamp: Stamp) => void;
  readonly incarnation: () => Incarnation;
  /** Whether somebody else has this name, or is about to: the view, and what is minted and not folded. */
  readonly isTaken: (table: NameSpace, name: FoldedName, holder: string) => boolean;
  /** Peers to be asked now. */
  readonly peers: () => readonly string[];
  readonly say: (peer: string, message: PeerText) => void;
  /** Whether two other servers hear each other, as far as one of them said. */
  readonly hear: (a: string, b: string) => boolean;
};

export class Reservations {
  private readonly parts: ReservationParts;
  private readonly ours = new Map<number, Ours>();
  private readonly theirs = new Map<string, Theirs>();
  private nextKey = 1;
  /** Ops of others handed to the log, and folded, since the start. */
  private taken = 0;
  private folded = 0;

  constructor(parts: ReservationParts) {
    this.parts = parts;
  }

  get size(): number {
    return this.ours.size + this.theirs.size;
  }

  /** Resolves when all agree. Throws Refusal `name_taken`, or `unavailable` where it takes too long. */
  reserve(table: NameSpace, name: FoldedName, holder: string): Promise<Reservation> {
    if (this.ours.size >= RESERVATIONS_MAX) return Promise.reject(tooMany());
    if (this.parts.isTaken(table, name, holder)) return Promise.reject(taken(table, name));
    const stamp = this.stampFor({ table, name, holder });
    const claim = { table, name, holder, stamp, origin: this.parts.incarnation() };
    return new Promise((resolve, reject) => {
      const key = this.nextKey++;
      const timer = this.parts.clock.schedule(RESERVE_DEADLINE_MS, () => {
        this.drop(ours);
        reject(new Refusal("unavailable", `the servers have not agreed on "${name}": try again`));
      });
      const ours: Ours = {
        ...claim,
        key,
        asked: new Set(),
        told: new Set(),
        state: "waiting",
        timer,
        resolve,
        reject,
      };
      this.ours.set(key, ours);
      this.advance(ours);
    });
  }

  /** Goes on with a reservation of ours as far as it can. */
  private advance(ours: Ours): void {
    if (this.parts.isTaken(ours.table, ours.name, ours.holder)) {
      this.drop(ours);
      ours.reject(taken(ours.table, ours.name));
      return;
    }
    if (ours.state === "waiting") {
      if (this.stands(ours, null)) return;
      ours.state = "asking";
      for (const peer of this.parts.peers()) this.ask(ours, peer);
    }
    if (ours.state !== "asking" || ours.asked.size > 0) return;
    ours.state = "won";
    ours.timer.cancel();
    ours.resolve({ release: () => this.drop(ours) });
  }

  /**
   * Behind all that is known of the same name here: what was granted to a peer comes first, also where its clock is so
   * far ahead that nothing else follows it.
   */
  private stampFor(claim: Wanted): Stamp {
    let stamp = this.parts.nextStamp();
    for (const others of [this.ours, this.theirs]) {
      for (const other of others.values()) {
        if (!races(other, claim) || compareStamps(stamp, other.stamp) > 0) continue;
        if (other.stamp.ms < MS_MAX) stamp = nextStamp(other.stamp, 0);
      }
    }
    return stamp;
  }

  private ask(ours: Ours, peer: string): void {
    const { key, table, name, holder, stamp, origin } = ours;
    ours.asked.add(peer);
    ours.told.add(peer);
    const text = { table, name, holder, stamp: stampText(stamp), origin };
    this.parts.say(peer, { type: "reserve", key, ...text });
  }

  private drop(ours: Ours): void {
    ours.timer.cancel();
    if (!this.ours.delete(ours.key)) return;
    // Also those that are silent now: their link may live on, and with it what was reserved there.
    for (const peer of ours.told) this.parts.say(peer, { type: "release", key: ours.key });
    this.reconsider();
  }

  /** Whether another reservation stands in the way of this one, of ours (`peer` null) or of a peer. */
  private stands(claim: Claim, peer: string | null): boolean {
    for (const other of this.ours.values()) {
      if (other === claim || !races(other, claim)) continue;
      if (other.state === "won" || smaller(other, claim)) return true;
    }
    for (const other of this.theirs.values()) {
      if (other === claim || other.peer === peer || !races(other, claim)) continue;
      if (peer === null) {
        // Ours against theirs: the smaller goes on, and asks the other's server.
        if (smaller(other, claim)) return true;
      } else if (other.state !== "waiting" && !this.parts.hear(other.peer, peer)) {
        return true; // they cannot settle it between them: the first that was granted it is first
      }
    }
    return false;
  }

  /** The one decision about what a peer asks for; null: not yet. */
  private verdict(theirs: Theirs): "granted" | "denied" | null {
    if (this.parts.isTaken(theirs.table, theirs.name, theirs.holder)) return "denied";
    return this.stands(theirs, theirs.peer) ? null : "granted";
  }

  /** What a peer says about names. */
  hear(peer: string, said: PeerText): void {
    if (said.type === "reserve") this.onReserve(peer, said);
    else if (said.type === "granted") this.onGranted(peer, said.key);
    else if (said.type === "denied") this.onDenied(peer, said.key);
    else if (said.type === "release") this.onRelease(peer, said.key);
  }

  presence(peer: string, what: "live" | "silent" | "gone"): void {
    if (what === "live") this.joined(peer);
    else if (what === "silent") this.silent(peer);
    else this.gone(peer);
  }

  private onReserve(peer: string, said: PeerMessage<"reserve">): void {
    const stamp = parseStamp(said.stamp);
    if (stamp === null || this.theirs.size >= RESERVATIONS_MAX) return; // it gives up by itself
    this.parts.merge(stamp);
    const theirs: Theirs = {
      peer,
      key: said.key,
      table: said.table,
      name: said.name as FoldedName,
      holder: said.holder,
      stamp,
      origin: said.origin as Incarnation,
      state: "waiting",
      untilTaken: 0,
    };
    this.theirs.set(`${peer} ${said.key}`, theirs);
    this.answer(theirs);
  }

  private answer(theirs: Theirs): void {
    const verdict = theirs.state === "waiting" ? this.verdict(theirs) : null;
    if (verdict === null) return;
    if (verdict === "denied") this.theirs.delete(`${theirs.peer} ${theirs.key}`);
    else theirs.state = "granted";
    this.parts.say(theirs.peer, { type: verdict, key: theirs.key });
  }

  private onGranted(peer: string, key: number): void {
    const ours = this.ours.get(key);
    if (ours?.asked.delete(peer)) this.advance(ours);
  }

  private onDenied(peer: string, key: number): void {
    const ours = this.ours.get(key);
    if (ours === undefined || !ours.asked.has(peer) || ours.state === "won") return;
    this.drop(ours);
    ours.reject(taken(ours.table, ours.name));
  }

  private onRelease(peer: string, key: number): void {
    const theirs = this.theirs.get(`${peer} ${key}`);
    if (theirs === undefined) return;
    theirs.state = "released";
    theirs.untilTaken = this.taken;
    this.forgetReleased();
  }

  /** Ops of others were handed to the log. */
  tookOps(count: number): void {
    this.taken += count;
  }

  /** A batch was folded, with so many ops of others. */
  foldedOps(foreign: number): void {
    this.folded += foreign;
    if (this.size === 0) return;
    this.forgetReleased();
    this.reconsider();
  }

  private forgetReleased(): void {
    let forgot = false;
    for (const [key, { state, untilTaken }] of this.theirs) {
      if (state !== "released" || untilTaken > this.folded) continue;
      this.theirs.delete(key);
      forgot = true;
    }
    if (forgot) this.reconsider();
  }

  /** Something that others waited for is over. */
  private reconsider(): void {
    for (const ours of [...this.ours.values()]) {
      if (ours.state !== "won" && this.ours.has(ours.key)) this.advance(ours);
    }
    for (const theirs of [...this.theirs.values()]) this.answer(theirs);
  }

  /** A peer is live: it has its say in what is being asked. */
  private joined(peer: string): void {
    for (const ours of this.ours.values()) if (ours.state === "asking") this.ask(ours, peer);
  }

  /** A peer is silent: it is not waited for. */
  private silent(peer: string): void {
    for (const ours of [...this.ours.values()]) if (ours.asked.delete(peer)) this.advance(ours);
  }

  /** Its link is over, and with it what it reserved. */
  private gone(peer: string): void {
    for (const [key, theirs] of this.theirs) if (theirs.peer === peer) this.theirs.delete(key);
    this.silent(peer);
    this.reconsider();
  }
}

type Wanted = Pick<Claim, "table" | "name" | "holder">;

function races(a: Wanted, b: Wanted): boolean {
  return a.name === b.name && a.table === b.table && a.holder !== b.holder;
}

function smaller(a: Claim, b: Claim): boolean {
  return (compareStamps(a.stamp, b.stamp) || compareText(a.origin, b.origin)) < 0;
}

export function taken(table: NameSpace, name: string): Refusal {
  const what = table === "account" ? "an account" : "a channel";
  return new Refusal("name_taken", `there is ${what} called ${name} already: choose another name`);
}

function tooMany(): Refusal {
  return new Refusal("unavailable", "too many names are being claimed at once: try again", 500);
}
