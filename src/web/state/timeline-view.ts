/** What is seen of one conversation, and what a view asks for. */
import type { ReadonlySignal } from "@preact/signals";
import type { Message, OutboxEntry, Receipt } from "../../client/index.ts";

export type TimelineItem =
  /** `ms`: the midnight that begins the day. */
  | { readonly is: "day"; readonly key: string; readonly ms: number }
  /** The line above what is new. */
  | { readonly is: "new"; readonly key: string }
  | {
      readonly is: "message";
      /** The message's id. */
      readonly key: string;
      readonly message: Message;
      /** Goes on what the item before it began: no name and picture of its own. */
      readonly grouped: boolean;
      readonly own: boolean;
      /** Of an own message, as far as it is known. */
      readonly receipt?: Receipt;
    }
  | {
      readonly is: "pending";
      /** The id of the message that it will be: the item stays, and becomes that message. */
      readonly key: string;
      readonly entry: OutboxEntry;
      readonly grouped: boolean;
    };

/** What there is beyond an end of the items. `error`: in people's words; loading may be tried again. */
export type TimelineEnd = "more" | "loading" | "end" | { readonly error: string };

export interface Timeline {
  readonly conversation: string;
  readonly items: ReadonlySignal<readonly TimelineItem[]>;
  /** `older` and `newer` are both "loading" until there is a first page. */
  readonly state: ReadonlySignal<{ readonly older: TimelineEnd; readonly newer: TimelineEnd }>;
  /** Whether a first page was loaded: an empty one means that nothing was said yet. */
  readonly loaded: ReadonlySignal<boolean>;
  /** None of these rejects: `state` says what went wrong. */
  loadOlder(): Promise<void>;
  loadNewer(): Promise<void>;
  jumpToNewest(): Promise<void>;
  /** Shows what is around a place and highlights the message there. */
  jumpTo(position: string): Promise<void>;
  /** The newest message is on the screen, as `setVisible` told it. */
  readonly atNewest: ReadonlySignal<boolean>;
  /** Messages of others below what was on the screen so far, and not read before. */
  readonly unseenBelow: ReadonlySignal<number>;
  /** Position of the first message behind the line; fixed when the conversation is opened. Reads a signal. */
  readonly firstUnread: string | undefined;
  /** Id of the message that was jumped to, for some seconds. */
  readonly highlighted: ReadonlySignal<string | undefined>;
  /** Both reject with HoldfastError. */
  edit(messageId: string, text: string): Promise<void>;
  delete(messageId: string): Promise<void>;
  /**
   * What the view shows: `visible` while it is on the page, `lastSeen` the position of the lowest message that
   * is on the screen. It decides what counts as read and which end is let go of first.
   */
  setVisible(visible: boolean, lastSeen: string | undefined): void;
}
