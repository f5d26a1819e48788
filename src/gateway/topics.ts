/** Names of topics. Whoever subscribes to one gets every event published to it. */
import type { AccountId, ConversationId } from "../core/ids.ts";
import type { FeedScope } from "../core/read-view.ts";

export const EVERYBODY = "*";
export const topicOf = (scope: FeedScope): string => (scope === "everybody" ? EVERYBODY : scope);
/** Those who have a conversation open: typing, presence of its members. */
export const openTopic = (conversation: ConversationId): string => `open ${conversation}`;
/** Those who show a person. */
export const presenceTopic = (account: AccountId): string => `presence ${account}`;
