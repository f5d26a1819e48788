/**
 * Requests, from the call to the answer, over as many connections as it takes.
 *
 * Problem: an answer may get lost with its connection while the request had its effect. Approach: a request
 * has attempts; when a connection breaks, its attempts count as unanswered and the request is sent again under
 * the same id on the next, in the order of the calls. The server gives one id one effect, so a repeat is
 * harmless. A refusal speaks for its own attempt only: if an earlier one went unanswered, the whole is
 * `indefinite`. Hedging will be a second attempt while the first is still open; nothing here forbids it.
 *
 * Definite although an earlier attempt went unanswered: a result; any answer to a read; any answer to
 * `session.open` (see table.ts); and `id_reused`, which proves that the id's one effect is another content's.
 * Not `invalid` or `too_large`: bounds differ between releases, and servers are upgraded one by one.
 */
import type { RefusalCode } from "../core/errors.ts";
import { FRAME_BYTES_MAX } from "../core/limits.ts";
import type { RpcError } from "../protocol/rpc.ts";
import { errorOf, HoldfastError } from "./error.ts";
import type { Link } from "./link.ts";
import type { Clock } from "./ports.ts";
import { leavesTraces, needsSession, signsIn, takesCursor } from "./table.ts";
import { IN_FLIGHT_MAX, REQUESTS_MAX } from "./timing.ts";

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
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: HoldfastError) => void;
  /** Attempts in flight. */
  readonly attempts: Set<number>;
  unanswered: boolean;
  settled: boolean;
  cancelDeadline: () => void;
};
type Attempt = { readonly request: Request; readonly link: Link };

/** What requests need of the client. */
export interface RequestsOwner {
  /** The link to send on, if one is live. */
  link(): Link | undefined;
  /** The cursor that reads must not fall behind. */
  cursor(): string | undefined;
  /** A server said `shutting_down`: it is to be left. */
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
  private lastId = 0;
  private flushing = false;

  constructor(owner: RequestsOwner, clock: Clock) {
    this.owner = owner;
    this.clock = clock;
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
        resolve,
        reject,
        attempts: new Set(),
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
      else this.attempt(request, link);
    }
    this.flushing = false;
    if (waiting.length > 0) this.hold(waiting);
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
    this.attempts.set(id, { request, link });
    this.inFlightOn.set(link, this.inFlight(link) + 1);
    link.send(text);
  }

  /** An answer came; one to a request that nobody waits for any more is passed over. */
  answer(id: number, result: unknown, error: RpcError | undefined): void {
    const request = this.close(id);
    if (request === undefined) return;
    if (error === undefined) {
      this.settle(request);
      request.resolve(result);
    } else if (error.data?.code === "shutting_down") {
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
    return this.attempts.get(id)?.request;
  }

  /** A connection is gone: its attempts will never be answered. */
  broken(link: Link): void {
    const back: Request[] = [];
    for (const [id, attempt] of this.attempts) {
      if (attempt.link !== link) continue;
      const request = this.close(id) as Request;
      request.unanswered = true;
      back.push(request);
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
    for (const request of this.open()) {
      this.abandon(request);
      this.refuse(request, error);
    }
  }

  private open(): Request[] {
    const inFlight = [...this.attempts.values()].map((attempt) => attempt.request);
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
  private close(id: number): Request | undefined {
    const attempt = this.attempts.get(id);
    if (attempt === undefined) return undefined;
    this.attempts.delete(id);
    attempt.request.attempts.delete(id);
    this.inFlightOn.set(attempt.link, this.inFlight(attempt.link) - 1);
    return attempt.request;
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
