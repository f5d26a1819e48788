/**
 * Notifications of a server to its clients. Each carries the cursor that its receiver has seen everything
 * up to. A test hashes these schemas with those of the methods: see version.ts.
 */
import Type, { type Static } from "typebox";
import { ServerEntry } from "./methods/server.ts";
import {
  Author,
  Channel,
  Conversation,
  cursored,
  Message,
  PositionText,
  Receipt,
  SessionIdText,
  Shape,
} from "./schema.ts";

export const events = {
  "message.posted": {
    summary: "A message arrived in one of the own conversations (also one's own).",
    params: Shape({ message: Message, ...cursored }),
  },
  "message.changed": {
    summary: "A message was edited, deleted, or moved to another place.",
    params: Shape({ message: Message, ...cursored }),
  },
  "message.held": {
    summary: "An own message is stored on more servers than its receipt said.",
    params: Shape({ id: Type.String(), receipt: Receipt, ...cursored }),
  },
  "conversation.opened": {
    summary: "A conversation became readable: read its history anew.",
    params: Shape({ conversation: Conversation, ...cursored }),
  },
  "member.changed": {
    summary:
      "Somebody's standing in one of the own channels changed; `none` is left or removed, and banned for whoever is no owner of the channel and not meant.",
    params: Shape({
      conversation: Type.String(),
      account: Author,
      standing: Type.Union([
        Type.Literal("owner"),
        Type.Literal("member"),
        Type.Literal("invited"),
        Type.Literal("banned"),
        Type.Literal("none"),
      ]),
      ...cursored,
    }),
  },
  "channel.changed": {
    summary: "Name, topic or privacy of one of the own channels changed.",
    params: Shape({ channel: Channel, ...cursored }),
  },
  "account.changed": {
    summary: "An account changed how it is shown, or was deleted or disabled. Sent to everybody.",
    params: Shape({ account: Author, ...cursored }),
  },
  "marker.changed": {
    summary: "The own read marker moved, on whichever device.",
    params: Shape({ conversation: Type.String(), upTo: PositionText, ...cursored }),
  },
  "presence.changed": {
    summary: "Somebody whom this client shows came online or went.",
    params: Shape({ account: Type.String(), online: Type.Boolean(), ...cursored }),
  },
  typing: {
    summary: "Somebody is typing in a conversation that this client has open; holds for 5 s.",
    params: Shape({ conversation: Type.String(), account: Author, ...cursored }),
  },
  "session.ended": {
    summary: "This session is over; the connection closes.",
    params: Shape({ session: SessionIdText, reason: Type.String(), ...cursored }),
  },
  "servers.changed": {
    summary: "Servers of the cluster came, went or changed state.",
    params: Shape({ servers: Type.Array(ServerEntry), ...cursored }),
  },
  "server.beat": {
    summary: "Every 500 ms: this server lives.",
    params: Shape({ ...cursored }),
  },
  "server.stopping": {
    summary: "This server takes no more requests: go to another, or wait and come back.",
    params: Shape({ ...cursored }),
  },
  caught_up: {
    summary: "Everything missed since the cursor of `session.resume` was sent.",
    params: Shape({ ...cursored }),
  },
  reset: {
    summary: "Too much was missed: read `conversation.list` and history anew.",
    params: Shape({ ...cursored }),
  },
} as const;

export type EventName = keyof typeof events;
export type EventParams<E extends EventName> = Static<(typeof events)[E]["params"]>;
export type ProtocolEvent = {
  [E in EventName]: { method: E; params: EventParams<E> };
}[EventName];
