import Type from "typebox";
import { EVENTS_PAGE_MAX, EVENTS_WAIT_MS_MAX } from "../../core/limits.ts";
import {
  Conversation,
  ConversationRef,
  Cursor,
  cursored,
  PageLimit,
  PositionText,
  reading,
  Shape,
} from "../schema.ts";

export const conversationMethods = {
  "conversation.list": {
    summary: "The own conversations with unread counts and last message, newest activity first.",
    params: Shape({
      after: Type.Optional(Type.String({ maxLength: 160 })),
      limit: Type.Optional(PageLimit),
      ...reading,
    }),
    result: Shape({
      conversations: Type.Array(Conversation),
      next: Type.Optional(Type.String()),
      ...cursored,
    }),
  },
  "conversation.resolve": {
    summary:
      "What `@name`, `#name` or an id stands for: `id` is what to send to, also in repeats; of a direct conversation it is the other account.",
    params: Shape({ in: ConversationRef, ...reading }),
    result: Shape({ id: Type.String(), conversation: Conversation, ...cursored }),
  },
  "conversation.read": {
    summary:
      "Marks a conversation read up to a place. Stored at most every 5 s: the last seconds may be forgotten in a crash.",
    params: Shape({ in: ConversationRef, upTo: PositionText }),
    result: Shape({ unread: Type.Integer(), ...cursored }),
  },
  "typing.set": {
    summary: "Tells those who have the conversation open that one is typing; never stored.",
    params: Shape({ in: ConversationRef }),
    result: Shape({}),
  },
  "events.read": {
    summary:
      "For clients without a WebSocket: the first `limit` events after a cursor, waiting for one; those of one change come together.",
    params: Shape({
      cursor: Cursor,
      limit: Type.Optional(Type.Integer({ minimum: 1, maximum: EVENTS_PAGE_MAX })),
      waitMs: Type.Optional(Type.Integer({ minimum: 0, maximum: EVENTS_WAIT_MS_MAX })),
    }),
    result: Shape({
      events: Type.Array(
        Shape({ method: Type.String(), params: Type.Record(Type.String(), Type.Unknown()) }),
      ),
      ...cursored,
    }),
  },
} as const;
