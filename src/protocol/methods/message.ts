import Type from "typebox";
import { HISTORY_PAGE_MAX, SEARCH_CHARACTERS_MAX, SEARCH_PAGE_MAX } from "../../core/limits.ts";
import {
  ConversationRef,
  cursored,
  Message,
  MessageIdText,
  PositionText,
  RequestIdText,
  reading,
  receipted,
  Shape,
  Text,
} from "../schema.ts";

export const messageMethods = {
  "message.post": {
    summary: "Sends a message to an account, a channel or a conversation.",
    params: Shape({ to: ConversationRef, text: Text, id: RequestIdText }),
    result: Shape({ message: Message, ...receipted, ...cursored }),
  },
  "message.edit": {
    summary: "Replaces the text of an own message.",
    params: Shape({ message: MessageIdText, text: Text, id: RequestIdText }),
    result: Shape({ message: Message, ...receipted, ...cursored }),
  },
  "message.delete": {
    summary:
      "Deletes a message, the own, or as an owner or admin in its channel; its text leaves the disk.",
    params: Shape({ message: MessageIdText, id: RequestIdText }),
    result: Shape({ message: Message, ...receipted, ...cursored }),
  },
  "message.history": {
    summary:
      "A page of a conversation, oldest first: the newest, or those before or after a place.",
    params: Shape({
      in: ConversationRef,
      before: Type.Optional(PositionText),
      after: Type.Optional(PositionText),
      limit: Type.Optional(Type.Integer({ minimum: 1, maximum: HISTORY_PAGE_MAX })),
      ...reading,
    }),
    result: Shape({
      messages: Type.Array(Message),
      next: Type.Optional(PositionText),
      ...cursored,
    }),
  },
  "message.search": {
    summary:
      "Messages that hold every word, newest first, of all one may read or one conversation.",
    params: Shape({
      text: Type.String({ minLength: 1, maxLength: SEARCH_CHARACTERS_MAX }),
      in: Type.Optional(ConversationRef),
      before: Type.Optional(Type.String({ maxLength: 24 })),
      limit: Type.Optional(Type.Integer({ minimum: 1, maximum: SEARCH_PAGE_MAX })),
      ...reading,
    }),
    result: Shape({
      messages: Type.Array(Message),
      next: Type.Optional(Type.String({ description: "the `before` of the next page" })),
      ...cursored,
    }),
  },
} as const;
