/**
 * The link to a second server, beside the one that the client lives on.
 *
 * Problem: when the first server is slow to answer or to be dialled, another one shall already be at hand, yet two
 * signed-in connections all the time would cost every server twice the events. Approach: it is opened when
 * something is overdue and given up some seconds after its last use. Before anything is sent on it, its server is
 * shown what the client has seen (it resumes from the cursor), so that it stamps later messages later. What it
 * tells is not heard: events come from one link only. When it has the answer first, the connection moves here: it
 * resumes once more, and the answer is given out when that is done, so that what this client reads from then on
 * covers what it was answered. Rejected: staying with the first server after the second one answered (two
 * servers' cursors would have to be kept apart and proved to each server); a second link kept warm (measured:
 * opening takes a few ms where a hedge waits for 125).
 */
import type { ConnectionOwner } from "./connection-owner.ts";
import { errorOf, HoldfastError, noServer } from "./error.ts";
import type { Frame } from "./frames.ts";
import { deadAt, greet, hangUp, type LinkFacts, resume, resumeId } from "./link.ts";
import type { Servers } from "./servers.ts";
import type { Timing } from "./timing.ts";
import { greetingIn } from "./told.ts";

export type SpareParts = {
  readonly owner: ConnectionOwner;
  readonly servers: Servers;
  readonly timing: Timing;
  /** Throws what the runtime throws for an address that it does not let us dial. */
  readonly dial: (server: string, now: number) => LinkFacts;
};

export class Spare {
  private readonly parts: SpareParts;
  private link: LinkFacts | undefined;
  /** Something waits for it to be resumed. */
  private isWanted = false;
  private usedAt = 0;
  /** Monotonic ms until which a server is passed over. */
  private readonly unfit = new Map<string, number>();

  constructor(parts: SpareParts) {
    this.parts = parts;
  }

  is(link: LinkFacts): boolean {
    return this.link === link;
  }

  /** Its server answered, but for the greeting of a session. */
  get isGreeted(): boolean {
    return this.link?.greeting === "done";
  }

  /** It has an answer that the first server owes. */
  get hasAnswer(): boolean {
    return this.link !== undefined && this.link.early.length > 0;
  }

  /** Requests are overdue: they are asked for as soon as its server knows what we have seen. */
  want(now: number): void {
    this.isWanted = true;
    this.open(now);
  }

  open(now: number): void {
    if (this.link !== undefined) return;
    const { servers, timing, dial } = this.parts;
    const server = servers.other((url) => now < (this.unfit.get(url) ?? 0));
    if (server === undefined) return;
    this.usedAt = now;
    try {
      this.link = dial(server, now);
    } catch {
      this.unfit.set(server, now + timing.spareAgainMs);
    }
  }

  /** Ends it or takes its next step, as the facts say. */
  evaluate(now: number): void {
    const { link } = this;
    if (link === undefined) return;
    if (link.ended === undefined) this.judge(link, now);
    if (link.ended !== undefined) {
      if (!link.ended.deliberate) this.pass(link, now);
      this.end();
    } else if (link.opened && link.greeting === "none") {
      greet(link);
    } else if (link.greeting === "done" && this.isWanted && !isResuming(link)) {
      this.show(link, now);
    }
  }

  private judge(link: LinkFacts, now: number): void {
    const { owner, timing } = this.parts;
    if (now >= this.silentUntil(link)) {
      const error = new HoldfastError("unavailable", `${link.server} shows no sign of life`);
      link.ended = { error, deliberate: false };
    } else if (now >= this.usedAt + timing.spareMs && owner.inFlight(link) === 0) {
      link.ended = { error: undefined, deliberate: true };
    }
  }

  private pass(link: LinkFacts, now: number): void {
    for (const [url, until] of this.unfit) if (until <= now) this.unfit.delete(url);
    this.unfit.set(link.server, now + this.parts.timing.spareAgainMs);
  }

  private show(link: LinkFacts, now: number): void {
    const { owner } = this.parts;
    const credentials = owner.credentials(link.server);
    this.isWanted = false;
    if (credentials?.cursor === undefined) return; // nothing to go on from: then nothing is hedged
    this.usedAt = now;
    owner.showing();
    resume(link, credentials);
  }

  heard(link: LinkFacts, frame: Frame): void {
    if (frame.kind === "event") this.eventCame(link, frame.method);
    else if (frame.kind === "other")
      this.parts.owner.fault(new HoldfastError("invalid", frame.why));
    else if (typeof frame.id === "string") this.ownAnswer(link, frame);
    else if (frame.error === undefined && this.parts.owner.awaits(frame.id)) link.early.push(frame);
    else this.parts.owner.answer(link, frame, true);
  }

  private eventCame(link: LinkFacts, method: string): void {
    if (method === "caught_up" && link.session === "replaying") {
      link.session = "done";
      this.parts.owner.spare(link);
    } else if (method === "reset" || method === "server.stopping") {
      const why = `${link.server} cannot take over: ${method}`;
      link.ended = { error: new HoldfastError("unavailable", why), deliberate: false };
    }
  }

  private ownAnswer(link: LinkFacts, frame: Extract<Frame, { kind: "answer" }>): void {
    const { id, result, error: refusal } = frame;
    let error = refusal === undefined ? undefined : errorOf(refusal);
    if (id === "hello" && error === undefined) {
      const hello = greetingIn(result);
      const { owner } = this.parts;
      error = hello ? owner.greeted(hello, link.server) : noServer(link.server);
      link.name = hello?.server;
      link.greeting = "done";
    } else if (id === resumeId(link) && error === undefined) {
      link.session = "replaying";
    }
    // Whether the session is over is for the first server to say: this one may only be behind.
    if (error !== undefined) link.ended ??= { error, deliberate: false };
  }

  /** The connection goes on with it. */
  take(): LinkFacts | undefined {
    const { link } = this;
    this.link = undefined;
    this.isWanted = false;
    if (link === undefined || link.ended !== undefined) return undefined;
    // What it told so far was not heard: it has to resume once more, unless nothing came yet and nothing was seen since.
    const { cursor } = this.parts.owner.credentials(link.server) ?? {};
    if (link.session !== "asked" || link.resumedFrom !== cursor) link.session = "none";
    return link;
  }

  end(): void {
    const { link } = this;
    if (link === undefined) return;
    this.link = undefined;
    this.isWanted = false;
    link.ended ??= { error: undefined, deliberate: true };
    hangUp(link);
    this.parts.owner.broken(link);
  }

  /** Monotonic ms at which it has to be looked at. */
  dueAt(): number {
    const { link } = this;
    if (link === undefined) return Number.POSITIVE_INFINITY;
    const { owner, timing } = this.parts;
    const isIdle = owner.inFlight(link) === 0;
    const idleAt = isIdle ? this.usedAt + timing.spareMs : Number.POSITIVE_INFINITY;
    return Math.min(this.silentUntil(link), idleAt);
  }

  /** Greeted and not signed in it is told nothing: its silence proves nothing. */
  private silentUntil(link: LinkFacts): number {
    const isAtRest = link.greeting === "done" && link.session === "none";
    return isAtRest ? Number.POSITIVE_INFINITY : deadAt(link, 0, this.parts.timing);
  }
}

function isResuming({ session }: LinkFacts): boolean {
  return session === "asked" || session === "replaying";
}
