/**
 * Messages that go out by themselves: in order, once, also after a restart.
 *
 * Problem: what is written while no server can be reached must not be lost, doubled or reordered, whatever
 * breaks when. Approach: an entry is kept in the storage under its request id, which is the same for ever and
 * goes up with time; before its first attempt it is kept again with the id of its conversation and the note
 * that it was attempted. Per conversation one entry is in flight: the next leaves when the one before it is
 * stored or refused for good. Rejected: several in flight per conversation (a first one told `rate_limited`
 * and a second one let through would be out of order for ever).
 *
 * Clients that share a storage: the holder of the lock sends, the others watch. Without a lock all of them
 * send; each keeps the order, and equal ids make one effect of it.
 */
import { RETRYABLE } from "../core/errors.ts";
import { isRequestId } from "../core/ids.ts";
import type { Result } from "../protocol/methods.ts";
import { HoldfastError, isSessionCode } from "./error.ts";
import type { Keeper } from "./keeper.ts";
import type { Outbox, OutboxEntry } from "./outbox-entry.ts";
import { KEY, type Kept, keptOf, parseKept } from "./outbox-kept.ts";
import { type Clock, fraction, type Random } from "./ports.ts";
import { backoffMs, LANES_MAX, OUTBOX_ENTRIES_MAX, type Timing } from "./timing.ts";

/** What the outbox needs of the client. */
export interface OutboxOwner {
  newId(): string;
  /** Ids made later are above this one. */
  idsAbove(id: string): void;
  /** The account that entries are written as, if known. */
  account(): string | undefined;
  /** Whether requests leave at once, signed in. */
  ready(): boolean;
  resolve(name: string): Promise<Result<"conversation.resolve">>;
  /** `unanswered`: an earlier attempt, also of an earlier process, went without an answer. */
  post(to: string, text: string, id: string, unanswered: boolean): Promise<Result<"message.post">>;
  changed(entry: OutboxEntry, dropped: boolean): void;
}

type Lane = { readonly queue: Kept[]; busy: boolean };

export class KeptOutbox implements Outbox {
  private readonly owner: OutboxOwner;
  private readonly keeper: Keeper;
  private readonly clock: Clock;
  private readonly random: Random;
  private readonly timing: Timing;
  private readonly all = new Map<string, Kept>();
  /** Not yet in a lane, oldest first: names are resolved one by one, so that no entry overtakes. */
  private incoming: Kept[] = [];
  private resolving = false;
  private readonly lanes = new Map<string, Lane>();
  private busyLanes = 0;
  private sends = false;
  private closed = false;
  /** Cancel pauses. */
  private readonly pauses = new Set<() => void>();

  constructor(owner: OutboxOwner, keeper: Keeper, clock: Clock, random: Random, timing: Timing) {
    this.owner = owner;
    this.keeper = keeper;
    this.clock = clock;
    this.random = random;
    this.timing = timing;
  }

  get entries(): readonly OutboxEntry[] {
    const account = this.owner.account();
    return [...this.all.values()]
      .filter((kept) => kept.account === undefined || kept.account === account)
      .map((kept) => kept.entry)
      .sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  post(message: { to: string; text: string; id?: string }): OutboxEntry {
    const id = message.id ?? this.owner.newId();
    const known = this.all.get(id);
    if (known !== undefined) return known.entry;
    if (!isRequestId(id)) throw new HoldfastError("invalid", "an id is a UUIDv7 in lower case");
    if (this.all.size >= OUTBOX_ENTRIES_MAX) {
      throw new HoldfastError("unavailable", `the outbox is full (${OUTBOX_ENTRIES_MAX} messages)`);
    }
    const { to, text } = message;
    const kept: Kept = {
      entry: { id, to, text, state: "waiting", at: this.clock.wallMs() },
      account: this.owner.account(),
      target: undefined,
      attempted: false,
      tries: 0,
      running: false,
      inFlight: false,
    };
    this.all.set(id, kept);
    insert(this.incoming, kept);
    void this.keep(kept);
    this.owner.changed(kept.entry, false);
    this.pump();
    return kept.entry;
  }

  retry(id: string): void {
    const kept = this.all.get(id);
    if (kept?.entry.state !== "failed") return;
    this.become(kept, "waiting");
    void this.keep(kept);
    insert(this.incoming, kept);
    this.pump();
  }

  drop(id: string): void {
    const kept = this.all.get(id);
    if (kept === undefined) return;
    if (kept.entry.state !== "failed" && kept.attempted) {
      throw new HoldfastError(
        "indefinite",
        "this message may already be posted: delete it instead",
      );
    }
    this.remove(kept);
    this.owner.changed(kept.entry, true);
    this.pump();
  }

  forget(account: string): void {
    for (const kept of [...this.all.values()]) {
      if (kept.account !== account) continue;
      this.remove(kept);
      this.owner.changed(kept.entry, true);
    }
    this.pump();
  }

  /** Takes in what an earlier process, or another client on this storage, left. */
  adopt(key: string, value: string | undefined): void {
    const id = key.slice(KEY.length);
    const known = this.all.get(id);
    const kept = value === undefined ? undefined : parseKept(value);
    if (known !== undefined) {
      if (kept?.entry.state === "stored") this.finish(known, kept.entry);
      else if (kept === undefined && !known.running) this.vanished(known);
      else if (kept !== undefined && !known.running) this.replace(known, kept);
      return;
    }
    if (kept === undefined || kept.entry.id !== id || kept.entry.state === "stored") return;
    this.owner.idsAbove(id);
    this.all.set(id, kept);
    if (kept.entry.state === "waiting") insert(this.incoming, kept);
    this.owner.changed(kept.entry, false);
    this.pump();
  }

  /** From now on this client sends. */
  begin(): void {
    this.sends = true;
    this.pump();
  }

  /** The connection came or went. */
  connectionChanged(): void {
    const ready = this.owner.ready();
    for (const kept of this.all.values()) {
      if (kept.inFlight) this.become(kept, ready ? "sending" : "waiting");
    }
    if (ready) this.pump();
  }

  /** Sends no more. */
  end(): void {
    this.closed = true;
    for (const cancel of this.pauses) cancel();
  }

  /** Another account, or none: nothing leaves as anybody but its author. */
  accountChanged(): void {
    for (const lane of this.lanes.values()) {
      for (const kept of lane.queue.splice(0)) insert(this.incoming, kept);
    }
    this.lanes.clear();
    this.pump();
  }

  // Moving on.

  private pump(): void {
    if (!this.sends || this.closed || !this.owner.ready()) return;
    this.sort();
    for (const [id, lane] of this.lanes) {
      if (this.busyLanes >= LANES_MAX) return;
      if (lane.busy) continue;
      if (lane.queue.length === 0) this.lanes.delete(id);
      else this.run(lane);
    }
  }

  /** Puts incoming entries into the lanes of their conversations. */
  private sort(): void {
    const account = this.owner.account();
    while (!this.resolving) {
      const at = this.incoming.findIndex((other) => (other.account ?? account) === account);
      const kept = this.incoming[at];
      if (kept === undefined) return;
      kept.account = account;
      const { to } = kept.entry;
      if (kept.target === undefined && /^[cd]_/.test(to)) kept.target = { to, conversation: to };
      if (kept.target === undefined) {
        this.resolving = true;
        void this.resolve(kept).finally(() => {
          this.resolving = false;
          this.pump();
        });
        return;
      }
      this.incoming.splice(at, 1);
      const lane = this.lanes.get(kept.target.conversation) ?? { queue: [], busy: false };
      this.lanes.set(kept.target.conversation, lane);
      insert(lane.queue, kept);
    }
  }

  private async resolve(kept: Kept): Promise<void> {
    try {
      const { id, conversation } = await this.owner.resolve(kept.entry.to);
      kept.target = { to: id, conversation: conversation.id };
      kept.tries = 0;
    } catch (error) {
      if (!this.all.has(kept.entry.id)) return;
      const known = asError(error);
      if (known.retry || isSessionCode(known.code)) await this.pause(kept, known);
      else this.fail(kept, known);
    }
  }

  private run(lane: Lane): void {
    lane.busy = true;
    this.busyLanes++;
    const kept = lane.queue[0] as Kept;
    kept.running = true;
    void this.send(kept).finally(() => {
      kept.running = false;
      lane.busy = false;
      this.busyLanes--;
      this.pump();
    });
  }

  /** One try. Returns when the lane may go on: with the next entry, or with this one again. */
  private async send(kept: Kept): Promise<void> {
    const before = kept.attempted;
    if (!before) {
      kept.attempted = true;
      await this.keep(kept);
    }
    if (!this.maySend(kept)) {
      kept.attempted = before; // nothing left: what is stored only errs on the safe side
      return;
    }
    const { to } = kept.target as NonNullable<Kept["target"]>;
    kept.inFlight = true;
    this.become(kept, "sending");
    try {
      const result = await this.owner.post(to, kept.entry.text, kept.entry.id, before);
      kept.inFlight = false;
      this.finish(kept, {
        ...kept.entry,
        state: "stored",
        receipt: result.receipt,
        message: result.message,
      });
    } catch (error) {
      kept.inFlight = false;
      await this.refused(kept, asError(error), before);
    }
  }

  /** Much may have changed while the entry was written to the storage. */
  private maySend(kept: Kept): boolean {
    if (this.closed || !this.owner.ready() || !this.all.has(kept.entry.id)) return false;
    return kept.account === this.owner.account();
  }

  private async refused(kept: Kept, error: HoldfastError, before: boolean): Promise<void> {
    if (!this.all.has(kept.entry.id)) return;
    if (error.code !== "indefinite") kept.attempted = before; // this attempt, at least, is known
    const told = error.refusal ?? error.code;
    if (RETRYABLE[told] || isSessionCode(told)) {
      this.become(kept, "waiting");
      await this.pause(kept, error);
    } else {
      this.fail(kept, error);
    }
  }

  private pause(kept: Kept, error: HoldfastError): Promise<void> {
    kept.tries++;
    const { retryMsMin, retryMsMax } = this.timing;
    const wait = backoffMs(kept.tries, retryMsMin, retryMsMax, fraction(this.random));
    return new Promise((resolve) => {
      const cancel = this.clock.schedule(Math.max(wait, error.retryAfterMs ?? 0), () => {
        this.pauses.delete(cancel);
        resolve();
      });
      this.pauses.add(cancel);
    });
  }

  // Changes of an entry.

  private become(kept: Kept, state: "waiting" | "sending"): void {
    if (kept.entry.state === state) return;
    const { error: _, ...rest } = kept.entry;
    kept.entry = { ...rest, state };
    this.owner.changed(kept.entry, false);
  }

  private fail(kept: Kept, error: HoldfastError): void {
    kept.tries = 0;
    kept.entry = {
      ...kept.entry,
      state: "failed",
      error: { code: error.code, message: error.message },
    };
    this.unqueue(kept);
    void this.keep(kept);
    this.owner.changed(kept.entry, false);
  }

  private finish(kept: Kept, entry: OutboxEntry): void {
    if (!this.all.has(kept.entry.id)) return;
    kept.entry = entry;
    this.all.delete(entry.id);
    this.unqueue(kept);
    // First the result, for those who watch the storage, then nothing.
    void this.keep(kept).then(() => this.keeper.write(KEY + entry.id, undefined));
    this.owner.changed(entry, false);
  }

  private remove(kept: Kept): void {
    this.all.delete(kept.entry.id);
    this.unqueue(kept);
    void this.keeper.write(KEY + kept.entry.id, undefined);
  }

  /** Another client on this storage gave it up, or stored it and we missed that. */
  private vanished(kept: Kept): void {
    this.all.delete(kept.entry.id);
    this.unqueue(kept);
    this.owner.changed(kept.entry, true);
  }

  private replace(known: Kept, kept: Kept): void {
    this.unqueue(known);
    Object.assign(known, kept);
    if (kept.entry.state === "waiting") insert(this.incoming, known);
    this.owner.changed(known.entry, false);
    this.pump();
  }

  private unqueue(kept: Kept): void {
    this.incoming = this.incoming.filter((other) => other !== kept);
    const queue = kept.target && this.lanes.get(kept.target.conversation)?.queue;
    const at = queue?.indexOf(kept) ?? -1;
    if (at >= 0) queue?.splice(at, 1);
  }

  private keep(kept: Kept): Promise<void> {
    return this.keeper.write(KEY + kept.entry.id, keptOf(kept));
  }
}

/** By id, which is by age. */
function insert(queue: Kept[], kept: Kept): void {
  let at = queue.length;
  while (at > 0 && (queue[at - 1] as Kept).entry.id > kept.entry.id) at--;
  queue.splice(at, 0, kept);
}

function asError(error: unknown): HoldfastError {
  return error instanceof HoldfastError ? error : new HoldfastError("unavailable", String(error));
}
