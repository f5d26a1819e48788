/**
 * The connection of a client to one server at a time, as a state machine.
 *
 * Problem: sockets break in every state, servers freeze without a word, sessions end, timers fire late on a
 * sleeping laptop; code that reacts to each event in its own place forgets a combination. Approach: every
 * input only notes a fact and calls `evaluate()`, the one function that decides which state follows from the
 * facts, and acts. A second link (spare.ts) stands in where the first is slow, and becomes the first when that
 * one ends. Rejected: a library of state charts (more than the whole SDK weighs).
 *
 * Invariants, kept by `evaluate()`:
 *  1. Events come from one socket at a time; what an abandoned one still says is not heard.
 *  2. Nothing but hello, resume and ping leaves before `live`; requests leave in `live` only. Answers that come
 *     earlier, to what was sent while it was the spare, wait until then.
 *  3. The token goes only to a server whose hello named our cluster, over a connection not yet signed in.
 *  4. In connecting, hello, resuming, waiting, and live with a session, a timer is set: silence never lasts.
 *  5. A good connection (live for `stableMs`) that ends is followed by the next attempt at once. After that,
 *     each server is tried once without waiting; between rounds the wait is random and bounded.
 *  6. `closed` is final.
 */
import type { CLOSE_CODES } from "../protocol/rpc.ts";
import type { ConnectionOwner } from "./connection-owner.ts";
import type { ConnectionState, ConnectionStatus } from "./connection-status.ts";
import { errorOf, HoldfastError, isSessionCode, whyNot } from "./error.ts";
import { type Frame, parseFrame } from "./frames.ts";
import {
  ask,
  deadAt,
  dial,
  greet,
  hangUp,
  type Link,
  type LinkFacts,
  pingAt,
  resume,
  resumeId,
} from "./link.ts";
import { type Clock, fraction, type Random, type SocketConstructor } from "./ports.ts";
import type { Servers } from "./servers.ts";
import { Spare } from "./spare.ts";
import { backoffMs, type Timing } from "./timing.ts";
import { greetingIn, resumptionIn } from "./told.ts";

const SESSION_ENDED: (typeof CLOSE_CODES)["session_ended"] = 4002;

export class Connection {
  private readonly owner: ConnectionOwner;
  private readonly servers: Servers;
  private readonly WebSocket: SocketConstructor;
  private readonly clock: Clock;
  private readonly random: Random;
  private readonly timing: Timing;
  private link: LinkFacts | undefined;
  private readonly spare: Spare;
  private failures = 0;
  private retryAt = 0;
  private closing = false;
  private lastError: HoldfastError | undefined;
  private timer: { dueAt: number; cancel: () => void } | undefined;
  private evaluating = false;
  private again = false;
  private current: ConnectionStatus;

  constructor(
    owner: ConnectionOwner,
    servers: Servers,
    WebSocket: SocketConstructor,
    clock: Clock,
    random: Random,
    timing: Timing,
  ) {
    this.owner = owner;
    this.servers = servers;
    this.WebSocket = WebSocket;
    this.clock = clock;
    this.random = random;
    this.timing = timing;
    this.current = { state: "idle", since: clock.wallMs() };
    const dialled = (server: string, now: number) => this.dialled(server, now);
    this.spare = new Spare({ owner, servers, timing, dial: dialled });
  }

  get status(): ConnectionStatus {
    return this.current;
  }

  /** The link that requests may leave on. */
  get liveLink(): Link | undefined {
    return this.link?.liveSince !== undefined && this.link.leaveBy === undefined && !this.link.ended
      ? this.link
      : undefined;
  }

  get signedIn(): boolean {
    return this.liveLink !== undefined && this.link?.session === "done";
  }

  /** Whether what is coming in was missed before, so that a cursor says only how far that came. */
  get replaying(): boolean {
    return this.link?.session === "replaying";
  }

  /** Something that the owner answers for has changed. */
  changed(): void {
    this.evaluate();
  }

  /** An answer on this link signed it in. */
  signIn(link: Link): void {
    if (this.link === link) this.link.session = "done";
    this.evaluate();
  }

  /** The server said that it stops: it takes no more requests. */
  stopping(): void {
    const link = this.link;
    if (link !== undefined) link.leaveBy ??= this.clock.monotonicMs() + this.timing.leaveMs;
    this.evaluate();
  }

  /** Requests are overdue here: a second server is to be asked as well, if there is one. */
  hedge(): void {
    if (!this.signedIn || this.servers.size === 1) return;
    this.spare.want(this.clock.monotonicMs());
    this.evaluate();
  }

  /** The next attempt waits no longer. */
  hurry(): void {
    this.retryAt = this.clock.monotonicMs();
    this.evaluate();
  }

  /** Ends the link, if any, because we want another one: no failure of the server. */
  drop(): void {
    this.spare.end();
    this.end(this.link, undefined, true);
  }

  close(): void {
    this.closing = true;
    this.evaluate();
  }

  // Facts.

  private end(link: LinkFacts | undefined, error: HoldfastError | undefined, deliberate = false) {
    if (link !== undefined) link.ended ??= { error, deliberate };
    this.evaluate();
  }

  private opened(link: LinkFacts): void {
    if (this.link !== link && !this.spare.is(link)) return;
    link.opened = true;
    link.heardAt = this.clock.monotonicMs();
    this.evaluate();
  }

  private closed(link: LinkFacts, code: number | undefined): void {
    if (this.link !== link && !this.spare.is(link)) return;
    if (this.link === link && code === SESSION_ENDED && link.session !== "none" && !link.ended) {
      const what = "the session is over: sign in again";
      this.owner.refused(new HoldfastError("session_ended", what), link.server);
    }
    const why = code === undefined ? "" : ` (${code})`;
    this.end(
      link,
      new HoldfastError("unavailable", `the connection to ${link.server} broke${why}`),
    );
  }

  private heard(link: LinkFacts, data: unknown): void {
    const isSpare = this.spare.is(link);
    if ((this.link !== link && !isSpare) || link.ended !== undefined) return;
    link.heardAt = this.clock.monotonicMs();
    link.pingedAt = undefined;
    const frame = parseFrame(data);
    if (isSpare) this.spare.heard(link, frame);
    else if (frame.kind === "event") this.eventCame(link, frame.method, frame.params);
    else if (frame.kind === "answer" && typeof frame.id === "string") this.ownAnswer(link, frame);
    else if (frame.kind === "answer" && link.liveSince === undefined) link.early.push(frame);
    else if (frame.kind === "answer") this.owner.answer(link, frame, false);
    else this.owner.fault(new HoldfastError("invalid", frame.why));
    this.evaluate();
  }

  private eventCame(link: LinkFacts, method: string, params: unknown): void {
    if (link.session === "replaying" && (method === "caught_up" || method === "reset")) {
      this.owner.event(method, params);
      link.session = "done";
      return;
    }
    if (method === "server.stopping") this.stopping();
    if (link.session === "asked") return; // what it told as a spare is told again behind the answer
    this.owner.event(method, params);
  }

  private ownAnswer(link: LinkFacts, frame: Extract<Frame, { kind: "answer" }>): void {
    const { id, result, error: refusal } = frame;
    if (id === "hello" && link.greeting === "asked") {
      const hello = refusal === undefined ? greetingIn(result) : undefined;
      link.name = hello?.server;
      link.greeting = "done";
      const error = hello ? this.owner.greeted(hello, link.server) : whyNot(refusal, link.server);
      if (error !== undefined) this.end(link, error);
    } else if (id === resumeId(link) && link.session === "asked") {
      const resumed = refusal === undefined ? resumptionIn(result) : undefined;
      const code = refusal?.data?.code;
      if (resumed !== undefined) {
        link.session = link.resumedFrom === undefined ? "done" : "replaying";
        this.owner.resumed(resumed, link.cursorRefused);
      } else if (link.resumedFrom !== undefined && code === "invalid") {
        link.session = "none"; // nothing but the cursor can be wrong with it
        link.cursorRefused = true;
      } else if (isSessionCode(code)) {
        link.session = "none";
        const error = errorOf(refusal);
        if (!this.owner.refused(error, link.server)) this.end(link, error);
      } else {
        this.end(link, whyNot(refusal, link.server));
      }
    }
  }

  // The decision.

  private evaluate(): void {
    this.again = true;
    if (this.evaluating) return; // whoever runs it now goes round once more
    this.evaluating = true;
    try {
      while (this.again) {
        this.again = false;
        this.show(this.decide(this.clock.monotonicMs()));
      }
    } finally {
      this.evaluating = false;
    }
    this.arm();
  }

  /** The state that follows from the facts, after what has to be done to get into it. */
  private decide(now: number): ConnectionState {
    if (this.closing && this.link !== undefined)
      this.link.ended ??= { error: undefined, deliberate: true };
    if (this.link !== undefined) this.judge(this.link, now);
    this.attend(now);
    if (this.link?.ended !== undefined) this.leave(this.link, now);
    if (this.closing) return "closed";
    if (this.link === undefined) {
      if (!this.owner.wanted()) return "idle";
      if (now < this.retryAt) return "waiting";
      this.dial(now);
    }
    const link = this.link;
    if (link === undefined) return "waiting";
    if (!link.opened) return "connecting";
    if (link.greeting !== "done") {
      if (link.greeting === "none") greet(link);
      return "hello";
    }
    const credentials = this.owner.credentials(link.server);
    if (link.session === "none" && credentials !== undefined) resume(link, credentials);
    if (link.session === "asked" || link.session === "replaying") return "resuming";
    if (link.liveSince === undefined) {
      link.liveSince = now;
      this.lastError = undefined;
      this.servers.settled();
      for (const answer of link.early.splice(0)) this.owner.answer(link, answer, true);
      this.owner.live(link);
    }
    if (now >= pingAt(link, this.owner.inFlight(link), this.timing)) this.ping(link, now);
    return "live";
  }

  /** Notes the end of a link that shows no sign of life, or that is to be left. */
  private judge(link: LinkFacts, now: number): void {
    if (link.ended !== undefined) return;
    if (now >= deadAt(link, this.round, this.timing)) {
      const error = new HoldfastError("unavailable", `${link.server} shows no sign of life`);
      link.ended = { error, deliberate: false };
    } else if (link.leaveBy !== undefined) {
      if (now < link.leaveBy && this.owner.inFlight(link) > 0) return;
      const error = new HoldfastError("shutting_down", `${link.server} is stopping`);
      link.ended = { error, deliberate: false };
    }
  }

  /** Looks after the second link, and moves there if it is the better one. */
  private attend(now: number): void {
    const { link } = this;
    if (link === undefined) {
      this.spare.end();
      return;
    }
    this.spare.evaluate(now);
    const isSlow = this.isSlowToDial(link, now);
    if (isSlow) this.spare.open(now);
    if (!this.spare.hasAnswer && !(isSlow && this.spare.isGreeted)) return;
    const error = new HoldfastError("unavailable", `another server answers before ${link.server}`);
    link.ended ??= { error, deliberate: false };
  }

  private isSlowToDial(link: LinkFacts, now: number): boolean {
    return link.greeting !== "done" && now >= link.dialledAt + this.timing.slowDialMs;
  }

  /** Whole rounds of failures so far. */
  private get round(): number {
    return Math.floor(this.failures / this.servers.size);
  }

  // Deeds.

  private dial(now: number): void {
    const server = this.servers.current();
    try {
      this.link = this.dialled(server, now);
    } catch (error) {
      this.failed(now, new HoldfastError("unavailable", `cannot dial ${server}: ${error}`));
      this.retryAt = Math.max(this.retryAt, now + this.timing.backoffMsMin);
    }
  }

  private dialled(server: string, now: number): LinkFacts {
    return dial(this.WebSocket, server, now, {
      opened: (link) => this.opened(link),
      heard: (link, data) => this.heard(link, data),
      closed: (link, code) => this.closed(link, code),
    });
  }

  private ping(link: LinkFacts, now: number): void {
    link.pingedAt = now;
    ask(link, "ping", "server.ping", {});
  }

  private leave(link: LinkFacts, now: number): void {
    const { error, deliberate } = link.ended as NonNullable<LinkFacts["ended"]>;
    this.link = undefined;
    hangUp(link);
    if (deliberate) {
      this.failures = 0;
      this.retryAt = now;
      this.spare.end();
    } else {
      const wasGood = link.liveSince !== undefined && now - link.liveSince >= this.timing.stableMs;
      this.failed(now, error, wasGood);
      this.goOnWith(this.spare.take());
    }
    this.owner.broken(link);
  }

  private goOnWith(link: LinkFacts | undefined): void {
    if (link === undefined) return;
    this.link = link;
    this.servers.goTo(link.server);
  }

  /** On to the next server, at once or after a wait. */
  private failed(now: number, error: HoldfastError | undefined, wasGood = false): void {
    this.lastError = error;
    this.failures = wasGood ? 0 : this.failures + 1;
    this.servers.advance();
    this.retryAt = now + this.waitMs(error);
  }

  private waitMs(error: HoldfastError | undefined): number {
    if (this.failures === 0 || this.failures % this.servers.size !== 0) return 0;
    const { backoffMsMin, backoffMsMax } = this.timing;
    const wait = backoffMs(this.round, backoffMsMin, backoffMsMax, fraction(this.random));
    return Math.max(wait, Math.min(error?.retryAfterMs ?? 0, 60_000));
  }

  private show(state: ConnectionState): void {
    const link = this.link;
    const status: ConnectionStatus = {
      state,
      ...(link === undefined ? {} : { server: link.server }),
      ...(link?.name === undefined ? {} : { name: link.name }),
      since: this.clock.wallMs(),
      ...(state === "waiting" ? { retryAt: this.retryAtWall() } : {}),
      ...(this.lastError === undefined ? {} : { error: this.lastError }),
    };
    const before = this.current;
    if (before.state === state && before.server === status.server && before.name === status.name)
      return;
    this.current = status;
    this.owner.status(status);
  }

  private retryAtWall(): number {
    return Math.round(this.clock.wallMs() + this.retryAt - this.clock.monotonicMs());
  }

  // Time.

  /** A timer that is due no later than needed stays: a frame must not cost a timer. */
  private arm(): void {
    const dueAt = this.dueAt();
    if (
      this.timer !== undefined &&
      this.timer.dueAt <= dueAt &&
      dueAt !== Number.POSITIVE_INFINITY
    ) {
      return;
    }
    this.timer?.cancel();
    this.timer = undefined;
    if (dueAt === Number.POSITIVE_INFINITY) return;
    const wait = Math.max(0, dueAt - this.clock.monotonicMs());
    this.timer = { dueAt, cancel: this.clock.schedule(wait, () => this.fired(dueAt)) };
  }

  private dueAt(): number {
    const link = this.link;
    if (link === undefined) {
      return this.current.state === "waiting" ? this.retryAt : Number.POSITIVE_INFINITY;
    }
    return Math.min(
      deadAt(link, this.round, this.timing),
      pingAt(link, this.owner.inFlight(link), this.timing),
      link.leaveBy ?? Number.POSITIVE_INFINITY,
      this.slowAt(link),
      this.spare.dueAt(),
    );
  }

  /** When to dial another server beside one that does not answer; not again once that was due. */
  private slowAt(link: LinkFacts): number {
    const at = link.dialledAt + this.timing.slowDialMs;
    const isDue = link.greeting === "done" || at <= this.clock.monotonicMs();
    return isDue ? Number.POSITIVE_INFINITY : at;
  }

  private fired(dueAt: number): void {
    this.timer = undefined;
    const now = this.clock.monotonicMs();
    const link = this.link;
    if (link !== undefined && now - dueAt > this.timing.stallMs) {
      // We slept, not the server: frames may lie unread, so its silence proves nothing yet.
      const due = deadAt(link, this.round, this.timing);
      link.heardAt += Math.max(0, now + this.timing.beatMs - due);
      if (link.pingedAt !== undefined) link.pingedAt = now;
    }
    this.evaluate();
  }
}
