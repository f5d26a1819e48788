/**
 * One WebSocket connection: who is signed in on it, what it has subscribed to, what it has in flight.
 * States: open, signed in, ended (its session is over: it takes no requests, gets no events and closes at the
 * end of the turn), closed. It never skips an event: a link that can't take one is closed by its dialect, and
 * the client resumes by cursor.
 */
import { BoundedMap } from "../core/bounded-map.ts";
import type { Seen } from "../core/cursor.ts";
import { Refusal } from "../core/errors.ts";
import type { AccountId, ConversationId, SessionId } from "../core/ids.ts";
import { OPEN_CONVERSATIONS_MAX, PRESENCE_WATCH_MAX } from "../core/limits.ts";
import type { Caller } from "./command.ts";
import { Line } from "./line.ts";
import type { Link } from "./ports.ts";
import { type Audience, openTopic, presenceTopic } from "./topics.ts";

export class Connection implements Caller {
  readonly address: string;
  readonly cookie: string | null;
  readonly operator = false;
  readonly line = new Line();
  readonly link: Link;
  readonly openedMs: number;
  account: AccountId | null = null;
  session: SessionId | null = null;
  ticketsUntil: number | null = null;
  inFlight = 0;
  badFrames = 0;
  refusedForFlight = 0;
  requestsBeforeSignIn = 0;
  isClosed = false;
  /**
   * While this is not empty its events have cursors of their own: nothing that is published to all of a topic is
   * for it.
   */
  carried: readonly Seen[] = [];
  private ended: string | null = null;
  private readonly topics = new Set<string>();
  private readonly audience: Audience;
  private readonly watched = new BoundedMap<AccountId, true>(PRESENCE_WATCH_MAX);
  private readonly opened = new BoundedMap<string, true>(OPEN_CONVERSATIONS_MAX);
  private readonly onSignIn: (connection: Connection, account: AccountId) => void;

  constructor(
    link: Link,
    address: string,
    openedMs: number,
    onSignIn: (connection: Connection, account: AccountId) => void,
    cookie: string | null,
    audience: Audience,
  ) {
    this.link = link;
    this.audience = audience;
    this.address = address;
    this.cookie = cookie;
    this.openedMs = openedMs;
    this.onSignIn = onSignIn;
  }

  signIn(account: AccountId, session: SessionId): void {
    if (this.isClosed || this.isEnded) return;
    if (this.account === null) this.onSignIn(this, account);
    else if (this.account !== account) {
      throw new Refusal(
        "invalid",
        "this connection is signed in as another account: open a new one",
      );
    }
    this.account = account;
    this.session = session;
  }

  over(): string | null {
    return this.ended;
  }

  get isEnded(): boolean {
    return this.ended !== null;
  }

  /** The session is over: answers may still go out, events no more. */
  end(reason: string): void {
    this.ended = reason;
    for (const topic of [...this.topics]) this.unsubscribe(topic);
  }

  has(topic: string): boolean {
    return this.topics.has(topic);
  }

  subscribe(topic: string): void {
    if (this.isClosed || this.isEnded || this.topics.has(topic)) return;
    this.topics.add(topic);
    this.audience.enter(topic);
    if (this.carried.length === 0) this.link.subscribe(topic);
  }

  unsubscribe(topic: string): void {
    if (!this.topics.delete(topic)) return;
    this.audience.leave(topic);
    if (!this.isClosed && this.carried.length === 0) this.link.unsubscribe(topic);
  }

  /** The client has seen this elsewhere, and it is missing here; nothing: it has come. */
  carry(seen: readonly Seen[]): void {
    const before = this.carried.length > 0;
    const after = seen.length > 0;
    this.carried = seen;
    if (before === after || this.isClosed) return;
    for (const topic of this.topics) {
      if (after) this.link.unsubscribe(topic);
      else this.link.subscribe(topic);
    }
  }

  shows(accounts: readonly AccountId[]): void {
    for (const account of accounts) {
      if (this.watched.has(account)) continue;
      const dropped = this.watched.set(account, true);
      if (dropped !== null) this.unsubscribe(presenceTopic(dropped.key));
      this.subscribe(presenceTopic(account));
    }
  }

  opens(conversation: string): void {
    const dropped = this.opened.set(conversation, true);
    if (dropped !== null) this.unsubscribe(openTopic(dropped.key as ConversationId));
    this.subscribe(openTopic(conversation as ConversationId));
  }

  send(text: string): void {
    if (!this.isClosed) this.link.send(text);
  }

  /** It is gone, and hears nothing any more. */
  gone(): void {
    this.isClosed = true;
    for (const topic of [...this.topics]) this.unsubscribe(topic);
  }

  close(code: number, reason: string): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.link.close(code, reason);
  }
}
