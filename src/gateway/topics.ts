/** Names of topics. Whoever subscribes to one gets every event published to it. */
import type { AccountId, ConversationId } from "../core/ids.ts";
import type { FeedScope } from "../core/read-view.ts";

/** Which topics anybody here has: what nobody hears need not be made into an event. */
export class Audience {
  private readonly counts = new Map<string, number>();

  has(topic: string): boolean {
    return this.counts.has(topic);
  }

  enter(topic: string): void {
    this.counts.set(topic, (this.counts.get(topic) ?? 0) + 1);
  }

  leave(topic: string): void {
    const left = (this.counts.get(topic) ?? 1) - 1;
    if (left > 0) this.counts.set(topic, left);
    else this.counts.delete(topic);
  }
}

export const EVERYBODY = "*";
export const topicOf = (scope: FeedScope): string => (scope === "everybody" ? EVERYBODY : scope);
/** Those who have a conversation open: typing, presence of its members. */
export const openTopic = (conversation: ConversationId): string => `open ${conversation}`;
/** Those who show a person. */
export const presenceTopic = (account: AccountId): string => `presence ${account}`;
