/**
 * Everything the page knows and does, put together.
 *
 * The parts know nothing of each other but what they are given here; what an event of the SDK means to each of
 * them stands in app-events.ts. Views read signals and call functions: they decide nothing.
 */
import { computed } from "@preact/signals";
import { type Client, createClient } from "../../client/index.ts";
import { type Admin, createAdmin } from "./admin.ts";
import { type Alerts, ToastAlerts } from "./alerts.ts";
import { listen } from "./app-events.ts";
import { follow } from "./app-follow.ts";
import { type Channels, ClientChannels } from "./channels.ts";
import { ClientConnection, type ConnectionState } from "./connection.ts";
import type { ConversationState } from "./conversation-state.ts";
import { type Conversations, LiveConversations } from "./conversations.ts";
import { type Drafts, KeptDrafts } from "./drafts.ts";
import { JoinedServers } from "./joined-servers.ts";
import { CookieSession } from "./kept-session.ts";
import { LastLook } from "./last-look.ts";
import { PageKeep } from "./page-keep.ts";
import { ClientPending, type Pending } from "./pending.ts";
import { LivePeople, type People } from "./people.ts";
import { HashPlace, HOME, type Place } from "./place.ts";
import type { Ports } from "./ports.ts";
import { KeptPreferences, type Preferences } from "./preferences.ts";
import { Receipts } from "./receipts.ts";
import { MessageSearch, type SearchState } from "./search.ts";
import { AccountSession, type SessionState } from "./session.ts";
import { SharedAttention } from "./shared-attention.ts";
import { Speaker } from "./speaker.ts";
import { LiveTimelines, type Timelines } from "./timelines.ts";
import { LiveTyping, type Typing } from "./typing.ts";

export type App = {
  readonly client: Client;
  readonly session: SessionState;
  readonly connection: ConnectionState;
  readonly place: Place;
  readonly conversations: Conversations;
  readonly timelines: Timelines;
  readonly people: People;
  readonly pending: Pending;
  readonly drafts: Drafts;
  readonly typing: Typing;
  readonly preferences: Preferences;
  readonly alerts: Alerts;
  readonly channels: Channels;
  readonly admin: Admin;
  readonly search: SearchState;
  stop(): Promise<void>;
};

/** The parts with what they offer each other. */
export type Parts = ReturnType<typeof createParts>;

const NOTHING_KEPT =
  "This browser keeps nothing for this page. When you close it, drafts and messages that wait to be sent " +
  "are gone, and you have to sign in again.";

export function createApp(ports: Ports): App {
  const parts = createParts(ports);
  const ends = [...listen(parts), ...follow(parts, ports)];
  return {
    ...parts,
    async stop() {
      for (const end of ends) end();
      await parts.stop();
    },
  };
}

function createParts(ports: Ports) {
  const { clock, attention, notifier } = ports;
  const alerts = new ToastAlerts(clock);
  let isSaid = false;
  const saidNothingKept = () => {
    if (!isSaid) alerts.show({ kind: "warn", text: NOTHING_KEPT });
    isSaid = true;
  };
  const keep = new PageKeep(ports.storage, saidNothingKept);
  const kept = new CookieSession(ports.storage, keep, ports.fetch, clock);
  const client = createClient({
    servers: ports.servers,
    storage: kept,
    lock: ports.lock,
    cursor: null,
    clock,
    ...(ports.random === undefined ? {} : { random: ports.random }),
    ...(ports.WebSocket === undefined ? {} : { WebSocket: ports.WebSocket }),
  });
  const place = new HashPlace(ports.address);
  const lastLook = new LastLook(keep, clock);
  const session: AccountSession = new AccountSession({
    client,
    kept,
    keep,
    place,
    alerts,
    joined: new JoinedServers(alerts, ports.reload),
    clock,
    deviceLabel: ports.deviceLabel,
    home: ports.servers[0],
    forget: (account) => {
      client.outbox.forget(account);
      drafts.forget(account);
      lastLook.forget();
    },
  });
  const me = computed(() => session.account.value?.id);
  const drafts = new KeptDrafts(keep, clock, me);
  const people = new LivePeople(client);
  const channels = new ClientChannels({ client, resolve: (id) => conversations.resolve(id) });
  const conversations: LiveConversations = new LiveConversations({
    client,
    clock,
    me,
    hasDraft: (id) => drafts.has(id),
    pendingIn: (id) => pending.countIn(id),
    met: (author, online) => people.met(author, online),
    go: (id) => {
      const replace = place.wanted.peek() !== undefined;
      place.go({ is: "conversation", id }, { replace });
    },
    gone: (state) => gone(state),
  });
  const pending: ClientPending = new ClientPending({
    client,
    me: () => me.peek(),
    find: (recipient) => conversations.find(recipient),
    resolve: (recipient) => conversations.resolve(recipient),
    posting: (id) => void timelines.timeline(id).jumpToNewest(),
  });
  const receipts = new Receipts();
  const search = new MessageSearch(client, clock);
  const timelines: LiveTimelines = new LiveTimelines(
    {
      client,
      clock,
      days: ports.days,
      attention,
      me,
      conversation: (id) => conversations.get(id),
      reference: (id) => conversations.referenceOf(id),
      pending: (id) => pending.forConversation(id),
      receiptOf: (id) => receipts.of(id),
      markRead: (id, upTo) => conversations.markRead(id, upTo),
      changed: (message) => {
        conversations.changed(message);
        timelines.changed(message);
        search.changed(message);
      },
    },
    (id) => void conversations.byId(id).value,
  );
  const preferences = new KeptPreferences(keep, notifier);
  const tab = String(client.connection.since) + String(clock.monotonicMs());
  const sharedAttention = new SharedAttention(keep, attention, clock, tab);
  const speaker = new Speaker({
    alerts,
    notifier,
    attention,
    preferences,
    isElsewhere: () => sharedAttention.isElsewhere,
    me: () => session.account.peek(),
    place: () => place.current.peek(),
    conversation: (id) => conversations.get(id),
    go: (id) => place.go({ is: "conversation", id }),
  });

  /** One can no longer read a conversation, or only look at it. */
  function gone(state: ConversationState): void {
    const isReadable = conversations.get(state.id) !== undefined;
    if (!isReadable) timelines.drop(state.id);
    const at = place.current.peek();
    const isHere = (at.is === "conversation" || at.is === "channel-settings") && at.id === state.id;
    if (isHere && !isReadable) place.go(HOME, { replace: true });
    if (!channels.isLeaving(state.id)) {
      alerts.show({ kind: "info", text: `You are no longer in ${state.handle}.` });
    }
  }

  return {
    client,
    session,
    connection: new ClientConnection(client, clock, ports.network, attention),
    place,
    conversations,
    timelines,
    people,
    pending,
    drafts,
    typing: new LiveTyping(client, clock),
    preferences,
    alerts,
    channels,
    admin: createAdmin(client, () => void session.refreshHello()),
    search,
    receipts,
    speaker,
    lastLook,
    me,
    saidNothingKept,
    async stop() {
      for (const part of [session, place, drafts, timelines, preferences, alerts]) part.stop();
      this.connection.stop();
      sharedAttention.stop();
      kept.stop();
      conversations.clear();
      await client.close();
    },
  };
}
