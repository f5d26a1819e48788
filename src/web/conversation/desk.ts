/** What lies at hand in an open conversation, for all of its parts: which message is at, edited, about to go. */
import { type Signal, signal } from "@preact/signals";
import type { Message } from "../../client/index.ts";

export type Desk = {
  /** Key of the message that the arrow keys start from, and that Tab leads to. */
  readonly active: Signal<string | undefined>;
  readonly editing: Signal<{ readonly key: string; readonly from: "row" | "composer" } | undefined>;
  /** Asked about before it is deleted. */
  readonly deleting: Signal<Message | undefined>;
  /** Set by who draws them; nothing happens while they are not there. */
  toNewest: () => void;
  focusRow: (key: string) => void;
  focusComposer: () => void;
  /** Into the composer, if nothing is written there. */
  putBack: (text: string) => void;
};

export function createDesk(): Desk {
  return {
    active: signal(undefined),
    editing: signal(undefined),
    deleting: signal(undefined),
    toNewest: () => {},
    focusRow: () => {},
    focusComposer: () => {},
    putBack: () => {},
  };
}
