/**
 * Request ids (UUIDv7) that only go up.
 *
 * Problem: the outbox is kept under request ids and must come back in the order in which it was written,
 * also when many were written in one ms, or the wall clock was set back. Approach: the 12 bits after the time
 * count within one ms (RFC 9562, section 6.2, method 1) and the time never goes below what was used before.
 */
import {
  effectOf,
  isAccountId,
  isMessageId,
  isRequestId,
  messageIdFor,
  type RequestId,
  requestIdFrom,
} from "../core/ids.ts";
import { HoldfastError } from "./error.ts";
import type { Clock, Random } from "./ports.ts";

const COUNTER_MAX = 0xfff;

export class RequestIds {
  private readonly clock: Clock;
  private readonly random: Random;
  private ms = 0;
  private counter = 0;

  constructor(clock: Clock, random: Random) {
    this.clock = clock;
    this.random = random;
  }

  next(): RequestId {
    const bytes = this.random.bytes(10).slice();
    const wall = Math.floor(this.clock.wallMs());
    if (wall > this.ms) {
      this.ms = wall;
      this.counter = bytes[1] as number; // starts low, so that there is room to count
    } else if (this.counter < COUNTER_MAX) {
      this.counter++;
    } else {
      this.ms++;
      this.counter = 0;
    }
    bytes[0] = this.counter >>> 8;
    bytes[1] = this.counter & 0xff;
    return requestIdFrom(this.ms, bytes);
  }

  /** Ids made from now on are above this one. */
  above(id: string): void {
    const ms = Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
    if (Number.isSafeInteger(ms) && ms >= this.ms) {
      this.ms = ms;
      this.counter = COUNTER_MAX;
    }
  }
}

/**
 * The request id to answer a message under: that of the message itself. Effects are keyed by author and
 * id, so it is free for everybody but the message's author, and a bot that was restarted between its answer
 * and its note of having answered repeats the answer instead of giving a second one.
 */
export function replyId(message: { readonly id: string }): RequestId {
  if (!isMessageId(message.id)) throw new HoldfastError("invalid", "this is no message id");
  return effectOf(message.id).id;
}

/** The id of the message that an account's outbox entry becomes, known before anything is sent. */
export function messageIdOf(account: string, requestId: string): string {
  if (!isAccountId(account) || !isRequestId(requestId)) {
    throw new HoldfastError("invalid", "a message id is made of an account id and a request id");
  }
  return messageIdFor(account, requestId);
}
