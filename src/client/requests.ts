/**
 * Requests, from the call to the answer, over as many connections as it takes.
 *
 * Problem: an answer may get lost with its connection while the request had its effect. Approach: a request
 * has attempts; when a connection breaks, its attempts count as unanswered and the request is sent again under
 * the same id on the next, in the order of the calls. The server gives one id one effect, so a repeat is
 * harmless. A refusal speaks for its own attempt only: if an earlier one went unanswered, the whole is
 * `indefinite`; while another one is still open, its answer is waited for.
 *
 * A request that is overdue gets a second attempt on the spare link (hedging.ts says when and how often). One
 * sender's order holds because every write goes to each server in the order of the calls, and none goes to the
 * spare behind one that was answered elsewhere since that server was shown what we have seen: then the smallest
 * stamps of the writes, of which one effect each is made, are in that order too.
 *
 * Definite although an earlier attempt went unanswered: a result; any answer to a read; any answer to
 * `session.open` (see table.ts); and `id_reused`, which proves that the id's one effect is another content's.
 * Not `invalid` or `too_large`: bounds differ between releases, and servers are upgraded one by one.
 */
import type { RefusalCode } from "../core/errors.ts";
import { FRAME_BYTES_MAX } from "../core/limits.ts";
import type { RpcError } from "../protocol/rpc.ts";
import { errorOf, HoldfastError, noServer } from "./error.ts";
import { Hedging } from "./hedging.ts";
import type { Link } from "./link.ts";
import type { Clock } from "./ports.ts";
import { isWrite, leavesTraces, mayHedge, needsSession, signsIn, takesCursor } from "./table.ts";
import { IN_FLIGHT_MAX, REQUESTS_MAX, type Timing } from "./timing.ts";
import { isRecord } from "./told.ts";

export type RequestSpec = {
  readonly method: string;
  readonly params: Record<string, unknown>;
  /** Ms until the caller is told that nobody answered. */
  readonly deadlineMs: number;
  /** Whether an attempt of an earlier call or process went unanswered. */
  readonly unanswered: boolean;
  /** Reads: an answer older than what was seen is welcome. */
  readonly stale: boolean;
};

type Request = RequestSpec & {
  readonly order: number;
  /** Counts writes only, from 1; 0 for a read. */
  readonly write: number;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: HoldfastError) => void;
  /** Attempts in flight. */
  readonly attempts: Set<number>;
  /** Monotonic ms of the attempt on the first link. */
  sentAt: number;
  /** The second link that it was sent on, too. */
  hedgedOn: Link | undefined;
  unanswered: boolean;
  settled: boolean;
  cancelDeadline: () => void;
};
type Attempt = { readonly request: Request; readonly link: Link; readonly sentAt: number };

/** What requests need of the client. */
export interface RequestsOwner {
  /** The link to send on, if one is live. */
  link(): Link | undefined;
  /** The cursor that reads must not fall behind. */
  cursor(): string | undefined;
  /** Something is overdue: calls `hedge` when a second server was shown what we have seen, if there is one. */
  overdue(): void;
  /** A server said `shutting_down` or `behind`: it is to be left. */
  stopping(): void;
  /** A late answer could sign the connection in behind our back: it is to be left. */
  drop(): void;
}

export class Requests {
  private readonly owner: RequestsOwner;
  private readonly clock: Clock;
  private readonly attempts = new Map<number, Attempt>();
  private readonly inFlightOn = new Map<Link, number>();
  /** Not in flight, in the order of the calls. Those that need no session pass those that do. */
  private held: Request[] = [];
  private pending = 0;
  /** Sign-ins under way: what needs a session waits for their end. */
  private signing = 0;
  private lastOrder = 0;
  private lastWrite = 0;
  private lastId = 0;
  private flushing = false;
  private readonly hedging: Hedging;
  private readonly hedges: boolean;
  private cancelLook: (() => void) | undefined;
  /** All writes before this one were answered when the second server was shown what we had seen. */
  private shownFrom = 0;

  constructor(owner: RequestsOwner, clock: Clock, timing: Timing) {
    this.owner = owner;
    this.clock = clock;
    this.hedging = new Hedging(timing);
    this.hedges = timing.hedgeMs > 0;
  }

  get size(): number {
    return this.pending;
  }

  inFlight(link: Link): number {
    return this.inFlightOn.get(link) ?? 0;
  }

  submit(spec: RequestSpec): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.pending >= REQUESTS_MAX) {
        reject(new HoldfastError("unavailable", "too many requests wait for their answers"));
        return;
      }
      const request: Request = {
        ...spec,
        order: ++this.lastOrder,
        write: isWrite(spec.method) ? ++this.lastWrite : 0,
        resolve,
        reject,
        attempts: new Set(),
        sentAt: 0,
        hedgedOn: undefined,
        settled: false,
        cancelDeadline: () => {},
      };
      if (Number.isFinite(spec.deadlineMs)) {
        request.cancelDeadline = this.clock.schedule(spec.deadlineMs, () => this.expired(request));
      }
      this.pending++;
      if (signsIn(request.method)) this.signing++;
      this.held.push(request);
      this.flush();
    });
  }

  /** Sends what may be sent now. */
  flush(): void {
    if (this.flushing) return;
    this.flushing = true;
    const waiting: Request[] = [];
    for (;;) {
      const link = this.owner.link(); // asked each time: sending may break it
      if (link === undefined || this.inFlight(link) >= IN_FLIGHT_MAX) break;
      const request = this.held.shift();
      if (request === undefined) break;
      if (needsSession(request.method) && this.signing > 0) waiting.push(request);
      else this.first(request, link);
    }
    this.flushing = false;
    if (waiting.length > 0) this.hold(waiting);
  }

  private first(request: Request, link: Link): void {
    request.sentAt = this.clock.monotonicMs();
    this.hedging.sent();
    if (mayHedge(request.method)) this.lookIn(this.hedging.afterMs);
    this.attempt(request, link);
  }

  private attempt(request: Request, link: Link): void {
    const id = ++this.lastId;
    const at = this.owner.cursor();
    const pinned = takesCursor(request.method) && !request.stale && at !== undefined;
    const params = pinned ? { at, ...request.params } : request.params;
    const text = JSON.stringify({ jsonrpc: "2.0", id, method: request.method, params });
    if (text.length > FRAME_BYTES_MAX / 3 && bytesOf(text) > FRAME_BYTES_MAX) {
      this.refuse(request, new HoldfastError("too_large", "the request is too large for a frame"));
      return;
    }
    request.attempts.add(id);
    this.attempts.set(id, { request, link, sentAt: this.clock.monotonicMs() });
    this.inFlightOn.set(link, this.inFlight(link) + 1);
    link.send(text);
  }

  /** An answer came; one to a request that nobody waits for any more is passed over. */
  answer(id: number, result: unknown, error: Partial<RpcError> | undefined): void {
    const attempt = this.close(id);
    if (attempt === undefined) return;
    const { request, link, sentAt } = attempt;
    const isFirst = link === this.owner.link();
    if (isFirst && mayHedge(request.method)) this.hedging.took(this.clock.monotonicMs() - sentAt);
    if (request.settled) {
      // the other server was quicker
    } else if (error === undefined && isRecord(result)) {
      this.settle(request);
      request.resolve(result);
    } else if (request.attempts.size > 0 && (isWrite(request.method) || !isFirst)) {
      // This was refused; the other server has not said yet what became of its attempt.
    } else if (error === undefined) {
      request.unanswered = true; // it may have been done
      this.refuse(request, noServer("the server"));
    } else if (error.data?.code === "shutting_down" || error.data?.code === "behind") {
      // Not done, not here: the same request goes to the next server, or to this one when it is back.
      this.hold([request]);
      this.owner.stopping();
    } else {
      this.refuse(request, errorOf(error, requestIdOf(request)));
    }
    if (this.held.length > 0) this.flush();
  }

  /** What was asked by an attempt, if anybody still waits for it. */
  behind(id: number): RequestSpec | undefined {
    const request = this.attempts.get(id)?.request;
    return request?.settled === false ? request : undefined;
  }

  // Hedging.

  private lookIn(ms: number): void {
    if (this.hedges) this.cancelLook ??= this.clock.schedule(ms, () => this.look());
  }

  private look(): void {
    this.cancelLook = undefined;
    let wait = Number.POSITIVE_INFINITY;
    let isOverdue = false;
    for (const { request, link } of this.attempts.values()) {
      if (link !== this.owner.link() || !this.mayHedge(request)) continue;
      const left = request.sentAt + this.hedging.afterMs - this.clock.monotonicMs();
      if (left <= 0) isOverdue = true;
      else wait = Math.min(wait, left);
    }
    if (isOverdue) this.owner.overdue();
    if (isOverdue || wait < Number.POSITIVE_INFINITY) {
      this.lookIn(Math.min(wait, this.hedging.afterMs));
    }
  }

  private mayHedge(request: Request): boolean {
    return !request.settled && request.hedgedOn === undefined && mayHedge(request.method);
  }

  /** The second server is about to be shown what we have seen, which covers every answer until now. */
  showing(): void {
    const first = this.open().find(({ write }) => write > 0);
    this.shownFrom = first?.write ?? this.lastWrite + 1;
  }

  /** Sends what is overdue on the link of the second server, too. */
  hedge(spare: Link): void {
    const dueAt = this.clock.monotonicMs() - this.hedging.afterMs;
    let next: number | undefined = this.shownFrom;
    for (const request of this.open()) {
      const { write } = request;
      if (write > 0 && write !== next) next = undefined; // one in between was answered: show that first
      const isThere = request.hedgedOn === spare;
      const maySend =
        this.mayHedge(request) && request.attempts.size > 0 && request.sentAt <= dueAt;
      const isFree = write === 0 || next !== undefined;
      if (maySend && isFree && this.hedging.spend()) {
        request.hedgedOn = spare;
        this.attempt(request, spare);
      } else if (write > 0 && !isThere) {
        next = undefined;
      }
      if (write > 0 && next !== undefined) next = write + 1;
    }
  }

  /** A connection is gone: its attempts will never be answered. */
  broken(link: Link): void {
    const back: Request[] = [];
    for (const [id, attempt] of this.attempts) {
      if (attempt.link !== link) continue;
      this.close(id);
      const { request } = attempt;
      if (request.settled) continue;
      request.unanswered = true;
      if (request.hedgedOn === link) request.hedgedOn = undefined;
      if (request.attempts.size === 0) back.push(request);
    }
    this.inFlightOn.delete(link);
    this.hold(back);
  }

  /** The session is over: what needs one cannot be answered any more. */
  sessionEnded(error: HoldfastError): void {
    for (const request of this.open()) {
      if (!needsSession(request.method)) continue;
      this.abandon(request);
      this.refuse(request, error);
    }
  }

  /** Nothing will be sent any more. */
  end(error: HoldfastError): void {
    this.cancelLook?.();
    for (const request of this.open()) {
      this.abandon(request);
      this.refuse(request, error);
    }
  }

  private open(): Request[] {
    const inFlight = [...this.attempts.values()]
      .map((attempt) => attempt.request)
      .filter(({ settled }) => !settled);
    return sorted(this.held, [...new Set(inFlight)]);
  }

  private expired(request: Request): void {
    const wasSent = request.attempts.size > 0;
    this.abandon(request);
    const why = `no server answered within ${request.deadlineMs} ms`;
    this.refuse(
      request,
      new HoldfastError("unavailable", why, { requestId: requestIdOf(request) }),
    );
    if (wasSent && signsIn(request.method)) this.owner.drop();
    this.flush();
  }

  /** Takes a request out of wherever it is; what was in flight counts as unanswered. */
  private abandon(request: Request): void {
    for (const id of [...request.attempts]) {
      this.close(id);
      request.unanswered = true;
    }
    this.held = this.held.filter((other) => other !== request);
  }

  /** Ends an attempt. */
  private close(id: number): Attempt | undefined {
    const attempt = this.attempts.get(id);
    if (attempt === undefined) return undefined;
    this.attempts.delete(id);
    attempt.request.attempts.delete(id);
    this.inFlightOn.set(attempt.link, this.inFlight(attempt.link) - 1);
    return attempt;
  }

  private hold(requests: Request[]): void {
    this.held = sorted(this.held, requests);
  }

  private settle(request: Request): void {
    if (request.settled) return;
    request.settled = true;
    request.cancelDeadline();
    this.pending--;
    if (signsIn(request.method)) this.signing--;
  }

  private refuse(request: Request, error: HoldfastError): void {
    this.settle(request);
    request.reject(request.unanswered ? indefiniteOf(request, error) : error);
  }
}

/** Whether this refusal is the truth about a write of which an attempt went unanswered. */
function isDefinite(method: string, code: RefusalCode): boolean {
  return !leavesTraces(method) || code === "id_reused";
}

function indefiniteOf(request: Request, error: HoldfastError): HoldfastError {
  if (isDefinite(request.method, error.code)) return error;
  const why = `it is not known whether this was done, an answer was lost: ${error.message}`;
  return new HoldfastError("indefinite", why, {
    retry: true,
    retryAfterMs: error.retryAfterMs,
    refusal: error.code,
    requestId: requestIdOf(request),
  });
}

function requestIdOf(request: Request): string | undefined {
  const { id } = request.params;
  return typeof id === "string" ? id : undefined;
}

function sorted(...parts: Request[][]): Request[] {
  return parts.flat().sort((a, b) => a.order - b.order);
}

function bytesOf(text: string): number {
  return new TextEncoder().encode(text).length;
}
