/**
 * Which of two versions of a message is the newer one.
 *
 * A message carries no version. What comes later on a connection is the later truth (docs/PROTOCOL.md: read events
 * and answers in the order in which they arrive), but around a reconnect an answer and a replayed event may
 * cross. So what cannot be undone is never taken back: deleted stays deleted, edited stays edited.
 */
import type { Author, Message } from "../../client/index.ts";

export function newerOf(held: Message, came: Message): Message {
  if (held.deleted === true && came.deleted !== true) return held;
  if (held.edited === true && came.edited !== true && came.deleted !== true) return held;
  return came;
}

/** The message with its author as that is shown now; the same object if nothing changes. */
export function withAuthor(message: Message, author: Author): Message {
  const { author: before } = message;
  if (before.id !== author.id) return message;
  const same =
    before.name === author.name &&
    before.displayName === author.displayName &&
    before.deleted === author.deleted;
  return same ? message : { ...message, author };
}
