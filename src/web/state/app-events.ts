/** What each event of the SDK means to each part. One place to look, and to see that none is forgotten. */
import { batch } from "@preact/signals";
import type { Author, ClientEvents, Message, OutboxEntry } from "../../client/index.ts";
import type { Parts } from "./app.ts";
import { textOfEntry } from "./errors.ts";

/** The answers end it. */
export function listen(parts: Parts): (() => void)[] {
  const { client } = parts;
  /** All that an event changes is seen at once. */
  const on = <E extends keyof ClientEvents>(event: E, run: (params: ClientEvents[E]) => void) =>
    client.on(event, (params) => batch(() => run(params)));
  return [
    ...listenToChat(parts, on),
    ...listenToPeople(parts, on),
    on("signed_in", () => {
      parts.pending.reread();
      void parts.conversations.load();
    }),
    on("connection", ({ state }) => {
      if (state === "live" && client.account !== undefined) connected(parts);
    }),
    on("reset", () => {
      parts.session.reread();
      void parts.conversations.load();
      parts.timelines.outdated();
      parts.people.reread();
    }),
    on("servers.changed", ({ servers }) => parts.session.serversChanged(servers)),
    client.on("fault", ({ where, error }) => {
      if (where === "storage") parts.saidNothingKept();
      // A listener that throws is a defect of the page: it is to be seen as one, and stops nothing.
      if (where === "listener") queueMicrotask(() => Promise.reject(error));
    }),
  ];
}

type On = <E extends keyof ClientEvents>(
  event: E,
  run: (params: ClientEvents[E]) => void,
) => () => void;

function connected({ conversations, timelines, people, pending }: Parts): void {
  void conversations.connected();
  timelines.connected();
  people.reread();
  void pending.locate();
}

function listenToChat(parts: Parts, on: On): (() => void)[] {
  const { conversations, timelines, search, receipts } = parts;
  return [
    on("message.posted", ({ message }) => posted(parts, message)),
    on("message.changed", ({ message }) => {
      conversations.changed(message);
      timelines.changed(message);
      search.changed(message);
    }),
    on("message.held", ({ id, receipt }) => receipts.told(id, receipt)),
    on("outbox", ({ entry, dropped }) => {
      if (entry.state === "stored" && dropped !== true) stored(parts, entry);
      if (entry.state === "failed" && dropped !== true) failed(parts, entry);
      parts.pending.reread();
    }),
    on("conversation.opened", ({ conversation }) => {
      conversations.opened(conversation);
      timelines.outdated(conversation.id);
    }),
    on("marker.changed", ({ conversation, upTo }) => conversations.markerMoved(conversation, upTo)),
    on("channel.changed", ({ channel }) => conversations.channelChanged(channel)),
  ];
}

function listenToPeople(parts: Parts, on: On): (() => void)[] {
  const { conversations, people, typing } = parts;
  return [
    on("member.changed", ({ conversation, account, standing }) => {
      people.memberChanged(conversation, account, standing);
      if (account.id === parts.me.peek()) conversations.standing(conversation, standing);
      else conversations.membersChanged(conversation);
    }),
    on("account.changed", ({ account }) => accountChanged(parts, account)),
    on("presence.changed", ({ account, online }) => {
      conversations.presence(account, online);
      people.presence(account, online);
    }),
    on("typing", ({ conversation, account }) => {
      people.met(account, undefined);
      typing.heard(conversation, account);
    }),
  ];
}

function posted(parts: Parts, message: Message): void {
  const { conversations, timelines, people, pending, typing, speaker } = parts;
  const isWatched = timelines.isWatched(message.conversation);
  people.met(message.author, undefined);
  conversations.posted(message, isWatched);
  timelines.posted(message);
  pending.posted(message);
  typing.posted(message.conversation, message.author.id);
  speaker.posted(message);
}

/** Its event came before its answer; where that was on another connection, it may not have yet. */
function stored({ receipts, timelines }: Parts, { message, receipt }: OutboxEntry): void {
  if (message === undefined) return;
  if (receipt !== undefined) receipts.told(message.id, receipt);
  timelines.changed(message);
}

/** Said where the message itself is not before somebody's eyes. */
function failed({ conversations, place, alerts }: Parts, entry: OutboxEntry): void {
  const id = conversations.find(entry.to);
  const at = place.current.peek();
  if (id === undefined || (at.is === "conversation" && at.id === id)) return;
  const title = conversations.byId(id).peek()?.title;
  const where = title === undefined ? "" : `To ${title}: `;
  const action = { label: "Show", run: () => place.go({ is: "conversation", id }) };
  alerts.show({ kind: "error", text: where + textOfEntry(entry, true), action });
}

function accountChanged(parts: Parts, account: Author): void {
  parts.session.accountChanged(account);
  parts.conversations.accountChanged(account);
  parts.timelines.accountChanged(account);
  parts.people.accountChanged(account);
  parts.search.accountChanged(account);
}
