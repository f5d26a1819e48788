/** Who types: told to those who have the conversation open, here and on linked servers; never stored. */
import { Refusal } from "../core/errors.ts";
import type { AccountId, ConversationId } from "../core/ids.ts";
import { THROTTLE_ENTRIES_MAX, TYPING_INTERVAL_MS } from "../core/limits.ts";
import type { Clock } from "../replica/ports.ts";
import type { Access } from "./access.ts";
import type { Render } from "./render.ts";
import { Throttle } from "./throttle.ts";

export type TypingParts = {
  readonly clock: Clock;
  readonly access: Access;
  readonly render: Render;
  readonly tellOpen: (conversation: ConversationId, params: Record<string, unknown>) => void;
  readonly tellPeers: (account: AccountId, conversation: ConversationId) => void;
};

export class Typing {
  private readonly parts: TypingParts;
  private readonly rate: Throttle;

  constructor(parts: TypingParts) {
    this.parts = parts;
    this.rate = new Throttle(parts.clock, 1, TYPING_INTERVAL_MS, THROTTLE_ENTRIES_MAX);
  }

  /** An account that may write there types here. */
  here(account: AccountId, conversation: ConversationId): void {
    if (this.tell(account, conversation)) this.parts.tellPeers(account, conversation);
  }

  /** Another server says so: whether the account may write there is judged here too. */
  elsewhere(account: AccountId, conversation: ConversationId): void {
    try {
      this.parts.access.writable(conversation, account);
    } catch (error) {
      if (error instanceof Refusal) return;
      throw error;
    }
    this.tell(account, conversation);
  }

  /** False if it was told a moment ago. */
  private tell(account: AccountId, conversation: ConversationId): boolean {
    const key = `${account} ${conversation}`;
    if (!this.rate.allows(key)) return false;
    this.rate.take(key);
    const { render, tellOpen } = this.parts;
    tellOpen(conversation, { conversation, account: render.author(account) });
    return true;
  }
}
