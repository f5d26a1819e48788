/**
 * What this client has seen, as the server's opaque cursors.
 *
 * Problem: a cursor kept too early loses what came before it if the app dies in between; one kept too late
 * only repeats. Approach: `latest` moves when the listeners of an event have run, and serves resuming within
 * this process; what is stored for the next process moves only past events whose listeners are wholly done,
 * that is, also the promises they returned are settled. Rejected: acknowledging each event by hand (everybody
 * forgets it once).
 *
 * Order is all that is known about cursors: on one connection a later one covers every earlier one.
 */
import type { Message } from "../protocol/schema.ts";
import { isRecord } from "./told.ts";

type Step = { cursor: string; open: number };

export class Cursors {
  private readonly keep: (cursor: string | undefined) => void;
  private steps: Step[] = [];
  private seen: string | undefined;

  /** `keep` is called with each cursor that may be stored, in order. */
  constructor(keep: (cursor: string | undefined) => void) {
    this.keep = keep;
  }

  get latest(): string | undefined {
    return this.seen;
  }

  /** Starts anew, with what is already stored or what the caller says. */
  start(cursor: string | undefined): void {
    this.steps = [];
    this.seen = cursor;
  }

  forget(): void {
    this.start(undefined);
    this.keep(undefined);
  }

  /** A cursor came and everything it covers was given to the listeners; `open` are those still at work. */
  passed(cursor: string, open: readonly Promise<void>[]): void {
    this.seen = cursor;
    const last = this.steps.at(-1);
    if (open.length === 0) {
      if (last === undefined) this.keep(cursor);
      else if (last.open === 0) last.cursor = cursor;
      else this.steps.push({ cursor, open: 0 });
      return;
    }
    const step: Step = { cursor, open: open.length };
    this.steps.push(step);
    const done = () => {
      step.open--;
      this.settle();
    };
    for (const promise of open) promise.then(done, done);
  }

  private settle(): void {
    let done: string | undefined;
    while (this.steps[0]?.open === 0) done = this.steps.shift()?.cursor;
    if (done !== undefined) this.keep(done);
  }
}

type Place = {
  readonly position: string;
  readonly isDeleted: boolean;
  /** What it says since it was edited. */
  readonly edited: string | undefined;
};

/**
 * Messages that were shown and where they stand, the newest SHOWN_MAX: a resume that says too much is cut short
 * here. One that comes again at another place was moved: of two requests that two servers took, the other counts.
 * What was deleted stays so: a server that has not heard of it yet may still tell of the message with its text. What was
 * edited stays so, too, also where such a server moves the message.
 * What comes behind a later message is late for who is shown it, also where it was not for the server that tells it:
 * that one may have had it in time, and the server before it may not.
 */
export class Shown {
  private readonly places = new Map<string, Place>();
  /** The highest place shown of each conversation. */
  private readonly newest = new Map<string, string>();
  private readonly max: number;

  constructor(max: number) {
    this.max = max;
  }

  /**
   * As what an event is passed on to listeners; not at all if it tells what is shown already, or less. A message that
   * is late for them is marked so.
   */
  asWhat(event: string, message: unknown): string | undefined {
    if (event === "reset") this.clear(); // what there is will be read anew, and what comes later is new
    if (event !== "message.posted" && event !== "message.changed") return event;
    const { id, position, deleted } = isRecord(message) ? message : {};
    if (typeof id !== "string" || typeof position !== "string") return event; // no server's
    const before = this.places.get(id);
    const isDeleted = deleted === true;
    if (before?.isDeleted && !isDeleted) return undefined;
    const told = message as Partial<Message>;
    if (before?.edited !== undefined && !isDeleted && told.edited !== true) {
      told.text = before.edited;
      told.edited = true;
    }
    const place = { position, isDeleted, edited: told.edited === true ? told.text : undefined };
    const isShown = before?.position === place.position && before.isDeleted === place.isDeleted;
    if (event === "message.posted" && isShown) return undefined;
    // A change tells where it stands, too: for a server that lacks the one that counts, somewhere else.
    const isNoted = event === "message.posted" || place.isDeleted || before !== undefined;
    if (isNoted) this.places.set(id, place);
    if (this.places.size > this.max) this.places.delete(this.places.keys().next().value as string);
    if (before !== undefined) return "message.changed";
    if (event === "message.posted") this.markLate(told);
    return event;
  }

  private markLate(message: Partial<Message>): void {
    const { conversation, position = "" } = message;
    if (typeof conversation !== "string") return;
    const newest = this.newest.get(conversation) ?? "";
    if (position < newest) message.late = true;
    else this.newest.set(conversation, position);
    if (this.newest.size > this.max) this.newest.delete(this.newest.keys().next().value as string);
  }

  clear(): void {
    this.places.clear();
    this.newest.clear();
  }
}
