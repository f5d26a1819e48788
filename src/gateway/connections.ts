/**
 * All connections of this server, and what they are sent.
 *
 * Invariants: 1. a signed-in connection is subscribed to a conversation's topic exactly while its account
 * receives its events. 2. A connection whose session is over gets no event after the one that ended it, and
 * is told and closed at the end of the turn in which that was folded: whoever asked for it is answered before.
 * 3. An event is made into text once, however many receive it.
 */
import { BoundedMap } from "../core/bounded-map.ts";
import { type Seen, united } from "../core/cursor.ts";
import { type AccountId, type ChannelId, type ConversationId, isChannelId } from "../core/ids.ts";
import { MEMBERS_PER_CHANNEL_MAX } from "../core/limits.ts";
import type { Op } from "../core/op.ts";
import type { Subject } from "../core/view.ts";
import { channelCreate } from "../ops/channel.ts";
import { subjectsOf } from "../ops/fold.ts";
import { memberKey, splitMemberKey, standingOf } from "../ops/member.ts";
import { messagePost } from "../ops/message.ts";
import type { EventName } from "../protocol/events.ts";
import { CLOSE_CODES } from "../protocol/rpc.ts";
import type { Clock, Folded } from "../replica/ports.ts";
import type { Replica } from "../replica/replica.ts";
import { sessionEnd } from "./accounts.ts";
import type { Connection } from "./connection.ts";
import { eventText } from "./frames.ts";
import type { MissedEvents } from "./missed.ts";
import type { Notice, Notices } from "./notices.ts";
import type { Broadcast } from "./ports.ts";
import type { Render } from "./render.ts";
import { Audience, EVERYBODY, openTopic, presenceTopic, topicOf } from "./topics.ts";

const KNOWN_DIRECTS_MAX = 50_000;

/** An event as all receive it but those whose cursors vouch for more. */
type Event = {
  readonly method: EventName;
  readonly params: Notice["params"];
  readonly cursor: string;
  readonly text: string;
};

function give(connection: Connection, { method, params, cursor, text }: Event): void {
  const { carried } = connection;
  if (carried.length === 0) connection.send(text);
  else connection.send(eventText(method, params, united(cursor, carried)));
}

export type CloseReason = keyof typeof CLOSE_CODES;

export class Connections {
  readonly all = new Set<Connection>();
  readonly audience = new Audience();
  /** Events sent, by what they are. */
  readonly sent = new Map<string, number>();
  /** The cursor of whoever has got every event sent so far. */
  private seen: string;
  private readonly byAccount = new Map<AccountId, Set<Connection>>();
  /** Direct conversations whose parties' connections are all subscribed. */
  private readonly knownDirects = new BoundedMap<ConversationId, true>(KNOWN_DIRECTS_MAX);
  /** Those whose cursors vouch for more than this server holds: few, and only while servers are apart. */
  private readonly carrying = new Set<Connection>();
  private readonly replica: Replica;
  private readonly render: Render;
  private readonly notices: Notices;
  private readonly missed: MissedEvents;
  private readonly broadcast: Broadcast;
  private readonly clock: Clock;
  private readonly observeClose: (reason: CloseReason) => void;

  constructor(parts: {
    replica: Replica;
    render: Render;
    notices: Notices;
    missed: MissedEvents;
    broadcast: Broadcast;
    clock: Clock;
    observeClose: (reason: CloseReason) => void;
  }) {
    this.replica = parts.replica;
    this.seen = this.replica.cursors.current();
    this.render = parts.render;
    this.notices = parts.notices;
    this.missed = parts.missed;
    this.broadcast = parts.broadcast;
    this.clock = parts.clock;
    this.observeClose = parts.observeClose;
  }

  of(account: AccountId): ReadonlySet<Connection> {
    return this.byAccount.get(account) ?? new Set();
  }

  get signedIn(): number {
    let count = 0;
    for (const connections of this.byAccount.values()) count += connections.size;
    return count;
  }

  /** A connection was signed in: from now on it gets what concerns its account. */
  enter(connection: Connection, account: AccountId): void {
    const connections = this.byAccount.get(account) ?? new Set();
    connections.add(connection);
    this.byAccount.set(account, connections);
    for (const scope of this.missed.scopesOf(account)) connection.subscribe(topicOf(scope));
  }

  leave(connection: Connection): void {
    this.all.delete(connection);
    this.carrying.delete(connection);
    this.forget(connection);
  }

  private forget(connection: Connection): void {
    if (connection.account === null) return;
    const connections = this.byAccount.get(connection.account);
    connections?.delete(connection);
    if (connections?.size === 0) this.byAccount.delete(connection.account);
  }

  close(connection: Connection, reason: CloseReason, message: string): void {
    if (connection.isClosed) return;
    this.observeClose(reason);
    connection.close(CLOSE_CODES[reason], message);
  }

  /** A client came with a cursor: what it vouches for and is missing here, it goes on vouching for. */
  carry(connection: Connection, seen: readonly Seen[]): void {
    if (connection.isClosed) return;
    connection.carry(seen);
    if (seen.length === 0) this.carrying.delete(connection);
    else this.carrying.add(connection);
  }

  /** Looks whether what was missing has come. If it is lost it is waited for no longer, and the client reads anew. */
  private settle(): void {
    const { cursors } = this.replica;
    for (const connection of this.carrying) {
      const { carried } = connection;
      const [first, ...also] = carried as [Seen, ...Seen[]];
      const cursor = { ...first, also };
      const left = cursors.uncovered(cursor); // without what is lost
      const isLost = cursors.hasLost(cursor);
      if (isLost || left.length < carried.length) this.carry(connection, left);
      if (isLost) connection.send(eventText("reset", {}, united(cursors.current(), left)));
    }
  }

  /** Sends what a folded batch means to those whom it concerns. */
  publish(batch: readonly Folded[]): void {
    for (const { n, op, subjects } of batch) {
      if (op.kind !== messagePost.number) this.render.forgetMessages();
      for (const subject of subjects) this.before(op, subject);
      // What changed nothing here may have been shown by a server where it counted for a while.
      const told = subjects.length > 0 ? subjects : subjectsOf(this.replica.hash, n, op);
      if (this.isUnheard(told)) continue;
      for (const channel of this.notices.turned(n, op, told))
        this.openAnew(channel, this.byAccount.keys());
      this.tellHidden(n, op);
      const notices = this.notices.of(n, op, told);
      for (const notice of notices) {
        // A connection may break after any event: each vouches for no more than those before it.
        if (notice === notices.at(-1)) this.seen = this.replica.cursors.at({ n, op });
        this.deliver(notice);
      }
      for (const subject of subjects) this.after(subject);
    }
    this.seen = this.replica.cursors.current();
  }

  /** Changes of messages only, in conversations that nobody here has: most, where people are at other servers. */
  private isUnheard(subjects: readonly Subject[]): boolean {
    return subjects.every(
      (subject) => subject.table === "message" && !this.audience.has(topicOf(subject.conversation)),
    );
  }

  /** What must hold before the events of a change go out. */
  private before(op: Op, subject: Subject): void {
    switch (subject.table) {
      case "account":
        this.render.forgetNames(); // a name that became free may be shown by another account now
        break;
      case "member": {
        const { channel, account } = splitMemberKey(subject.key);
        const isIn = standingOf(this.replica.view.get("member", subject.key)) === "joined";
        if (isIn) this.open(channel, account);
        break;
      }
      case "channel":
        if (op.kind === channelCreate.number) this.openToEarly(subject.key);
        break;
      case "message":
        if (!isChannelId(subject.conversation)) this.openDirect(subject.conversation);
        break;
      default:
    }
  }

  /** Subscribes an account's connections to what it may read from now on; those that did not are told. */
  private open(conversation: ConversationId, account: AccountId): void {
    const fresh = [...this.of(account)].filter((connection) => !connection.has(conversation));
    if (fresh.length === 0) return;
    const opened = this.notices.opened(conversation, account);
    if (opened === null) return;
    const event = this.event(opened.method, opened.params);
    // It says whether the other party is online: that has to stay true.
    const parties = isChannelId(conversation) ? [] : this.render.partiesOf(conversation);
    const others = parties.filter((party) => party !== account);
    for (const connection of fresh) {
      connection.subscribe(conversation);
      connection.shows(others);
      give(connection, event);
    }
  }

  /** Those of these accounts who have a channel open are told to read its history anew. */
  private openAnew(channel: ChannelId, accounts: Iterable<AccountId>): void {
    for (const account of accounts) {
      const readers = [...this.of(account)].filter((connection) => connection.has(channel));
      const opened = readers.length === 0 ? null : this.notices.opened(channel, account);
      if (opened === null) continue;
      const event = this.event(opened.method, opened.params);
      for (const connection of readers) give(connection, event);
    }
  }

  /** Only who has seen what was not here can have seen, elsewhere, a message that is hidden as it comes. */
  private tellHidden(n: number, op: Op): void {
    if (this.carrying.size === 0) return;
    const conversation = this.notices.hiddenIn(n, op);
    if (conversation === null || !isChannelId(conversation)) return;
    const accounts = [...this.carrying].map(({ account }) => account);
    this.openAnew(conversation, new Set(accounts.filter((account) => account !== null)));
  }

  /** The first message of a direct conversation opens it for those who are connected. */
  private openDirect(conversation: ConversationId): void {
    if (this.knownDirects.has(conversation)) return;
    const parties = this.render.partiesOf(conversation);
    // An edit or a deletion may come before the message, by another origin: nothing is open yet.
    if (parties.length === 0) return;
    this.knownDirects.set(conversation, true);
    for (const account of parties) this.open(conversation, account);
  }

  /** A joining may arrive before the creation: there was nothing to read yet. */
  private openToEarly(channel: ChannelId): void {
    const early = this.replica.view.members(channel, ["joined"], "", MEMBERS_PER_CHANNEL_MAX);
    for (const { account } of early) this.open(channel, account);
  }

  private after(subject: Subject): void {
    switch (subject.table) {
      case "member": {
        const { channel, account } = splitMemberKey(subject.key);
        if (standingOf(this.replica.view.get("member", subject.key)) === "joined") break;
        for (const connection of this.of(account)) {
          connection.unsubscribe(channel);
          connection.unsubscribe(openTopic(channel));
        }
        break;
      }
      case "channel":
        this.closeToStrangers(subject.key);
        break;
      case "account":
        this.endSessions(subject.key);
        break;
      case "session":
        this.endSessions(subject.account);
        break;
      default:
    }
  }

  /** A channel that is private now is open only on connections of those who are in it. */
  private closeToStrangers(channel: ChannelId): void {
    const { view } = this.replica;
    if (view.get("channel", channel)?.private?.value !== true) return;
    const topic = openTopic(channel);
    for (const connection of this.all) {
      const { account } = connection;
      if (account === null || !connection.has(topic)) continue;
      const member = view.get("member", memberKey(channel, account));
      if (standingOf(member) !== "joined") connection.unsubscribe(topic);
    }
  }

  private endSessions(account: AccountId): void {
    const { view } = this.replica;
    for (const connection of [...this.of(account)]) {
      const { session } = connection;
      const state = session === null ? undefined : view.get("session", session);
      if (session === null || state === undefined) continue;
      const reason = sessionEnd(session, state, view.get("account", account));
      if (reason === null) continue;
      const text = eventText("session.ended", { session, reason }, this.seen);
      connection.end(reason);
      this.forget(connection);
      this.clock.schedule(0, () => {
        connection.send(text);
        this.close(connection, "session_ended", reason);
      });
    }
  }

  private event(method: EventName, params: Notice["params"], cursor = this.seen): Event {
    this.sent.set(method, (this.sent.get(method) ?? 0) + 1);
    return { method, params, cursor, text: eventText(method, params, cursor) };
  }

  private publishTo(topic: string, event: Event): void {
    this.broadcast.publish(topic, event.text);
    for (const connection of this.carrying) if (connection.has(topic)) give(connection, event);
  }

  /** To the topic of the first scope; to accounts of the others unless they got it by that. */
  private deliver(notice: Notice): void {
    const [first, ...others] = notice.scopes.map(topicOf);
    if (first === undefined) return;
    if (notice.apart !== undefined) {
      this.deliverApart(notice, notice.apart);
      return;
    }
    const event = this.event(notice.method, notice.params);
    this.publishTo(first, event);
    for (const other of others) {
      for (const connection of this.of(other as AccountId)) {
        if (!connection.has(first)) give(connection, event);
      }
    }
  }

  /** No topic tells some of its subscribers something else: one by one, for what is rare. */
  private deliverApart(notice: Notice, apart: NonNullable<Notice["apart"]>): void {
    const event = this.event(notice.method, notice.params);
    const eventApart = this.event(notice.method, apart.params);
    const topics = notice.scopes.map(topicOf);
    for (const [account, connections] of this.byAccount) {
      for (const connection of connections) {
        if (!topics.some((topic) => connection.has(topic))) continue;
        give(connection, apart.accounts.includes(account) ? eventApart : event);
      }
    }
  }

  // What is never stored.

  tell(topic: string, method: EventName, params: Notice["params"]): void {
    this.publishTo(topic, this.event(method, params, this.replica.cursors.current()));
  }

  /** To all connections of one account. */
  tellAccount(account: AccountId, method: EventName, params: Notice["params"]): void {
    const connections = this.of(account);
    if (connections.size === 0) return;
    const event = this.event(method, params);
    for (const connection of connections) give(connection, event);
  }

  presenceChanged(account: AccountId, online: boolean): void {
    const cursor = this.replica.cursors.current();
    const event = this.event("presence.changed", { account, online }, cursor);
    this.publishTo(presenceTopic(account), event);
    for (const { channel, standing } of this.replica.view.channelsOf(account)) {
      if (standing === "joined") this.publishTo(openTopic(channel), event);
    }
  }

  beat(): void {
    this.replica.cursors.beat();
    this.settle();
    this.tellEverybody("server.beat");
  }

  tellEverybody(method: EventName, params: Notice["params"] = {}): void {
    this.tell(EVERYBODY, method, params);
  }
}
