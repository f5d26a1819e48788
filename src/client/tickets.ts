/**
 * What the client shows each server as the sign of its session.
 *
 * A token is good on every server. One that is in a page's cookie comes with the connection to the page's own
 * server only, and script cannot read it; for all others there are tickets (`session.ticket`). They are in memory only,
 * and renewed long before they end. Without a good one the other servers are of no use, and passed over.
 */
import type { COOKIE as ProtocolCookie } from "../protocol/schema.ts";
import { HoldfastError, isSessionCode, noServer } from "./error.ts";
import type { Clock } from "./ports.ts";

/** Compared by the compiler with what the protocol says. */
const COOKIE: typeof ProtocolCookie = "cookie";
/** A ticket is renewed after this share of its life. */
const RENEWED_AFTER = 1 / 2;
/** Not used in its last moments: clocks of servers differ. */
const MARGIN_MS = 5_000;
const AGAIN_MS = 30_000;

export type Ticket = { readonly ticket: string; readonly forMs: number };

export interface TicketsOwner {
  /** The session's token, or what stands for it. */
  token(): string | undefined;
  /** Whether a server gets the page's cookie. */
  isHome(server: string): boolean;
  ask(): Promise<Ticket>;
}

export class Tickets {
  private readonly owner: TicketsOwner;
  private readonly clock: Clock;
  private held: { readonly ticket: string; readonly until: number } | undefined;
  /** The one renewal that counts. */
  private renewal: object | undefined;
  private cancel: (() => void) | undefined;

  constructor(owner: TicketsOwner, clock: Clock) {
    this.owner = owner;
    this.clock = clock;
  }

  /** What to resume with there; undefined without a session. */
  signFor(server: string): string | undefined {
    return this.isNeeded(server) ? this.good : this.owner.token();
  }

  /** Why a server is of no use now; undefined if it is. */
  unfit(server: string): HoldfastError | undefined {
    if (!this.isNeeded(server) || this.good !== undefined) return undefined;
    const what = `this page has no ticket for ${server}: it goes on when its own server is back`;
    return new HoldfastError("unavailable", what);
  }

  /** Whether a refusal there says only that the ticket is no good. */
  isOnlyTicket(error: HoldfastError, server: string): boolean {
    if (!this.isNeeded(server) || error.code === "session_ended") return false;
    if (isSessionCode(error.code)) this.held = undefined;
    return true;
  }

  /** Signed in: if the session is in a cookie, there shall be a ticket from now on. */
  begin(): void {
    if (this.owner.token() === COOKIE && this.renewal === undefined) void this.renew();
  }

  /** The session is over. */
  forget(): void {
    this.held = undefined;
    this.renewal = undefined;
    this.cancel?.();
  }

  private get good(): string | undefined {
    const { held } = this;
    return held !== undefined && this.clock.monotonicMs() < held.until ? held.ticket : undefined;
  }

  private isNeeded(server: string): boolean {
    return this.owner.token() === COOKIE && !this.owner.isHome(server);
  }

  private async renew(): Promise<void> {
    const renewal = {};
    this.renewal = renewal;
    const asked = this.clock.monotonicMs();
    let waitMs = AGAIN_MS;
    try {
      const { ticket, forMs } = await this.owner.ask();
      if (this.renewal !== renewal) return;
      if (typeof ticket !== "string" || !(forMs > 0)) throw noServer("the server");
      this.held = { ticket, until: asked + forMs - MARGIN_MS };
      waitMs = Math.max(AGAIN_MS, forMs * RENEWED_AFTER);
    } catch {
      // asked again; what there is may be good until then
    }
    if (this.renewal !== renewal) return;
    this.cancel = this.clock.schedule(waitMs, () => void this.renew());
  }
}
