/** What a typed command is: a function over the chat. */
import type { Chat } from "./chat.ts";
import type { Input } from "./chat-input.ts";

export type Verb<K extends Input["kind"]> = (
  chat: Chat,
  input: Extract<Input, { kind: K }>,
) => Promise<void> | void;

/** A command waits for an answer so long, then it says that there is none. */
export const DEADLINE = { deadlineMs: 15_000 };
