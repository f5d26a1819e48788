/** What the messages of one conversation let one do: the same object for all rows, so that none is drawn anew. */
import type { Author, Message, OutboxEntry } from "../../client/index.ts";
import type { App } from "../state/app.ts";
import { textOf } from "../state/errors.ts";
import type { Timeline, TimelineItem } from "../state/timelines.ts";
import { copyText } from "./copy-text.ts";
import type { Desk } from "./desk.ts";

export type MessageDeeds = {
  readonly edit: (key: string) => void;
  readonly endEdit: (key: string) => void;
  /** Rejects with HoldfastError. */
  readonly save: (key: string, text: string) => Promise<void>;
  readonly askDelete: (message: Message) => void;
  readonly copy: (text: string) => void;
  readonly copyLink: (message: Message) => void;
  readonly messageTo: (author: Author) => void;
  readonly retry: (entry: OutboxEntry) => void;
  readonly discard: (entry: OutboxEntry) => void;
};

export function messageDeeds(app: App, timeline: Timeline, desk: Desk): MessageDeeds {
  const { alerts, pending, place } = app;
  const copy = async (text: string, said: string) => {
    const done = await copyText(text);
    if (done) alerts.show({ kind: "good", text: said });
    else alerts.show({ kind: "error", text: "The browser does not let this page copy." });
  };
  return {
    edit: (key) => {
      desk.editing.value = { key, from: "row" };
    },
    endEdit: (key) => {
      const from = desk.editing.peek()?.from;
      desk.editing.value = undefined;
      if (from === "composer") desk.focusComposer();
      else desk.focusRow(key);
    },
    save: (key, text) => timeline.edit(key, text),
    askDelete: (message) => {
      desk.focusRow(message.id);
      desk.deleting.value = message;
    },
    copy: (text) => void copy(text, "Message copied"),
    copyLink: ({ conversation: id, position: at }) => {
      const { origin, pathname } = location;
      const link = origin + pathname + place.href({ is: "conversation", id, at });
      void copy(link, "Link to the message copied");
    },
    messageTo: ({ id }) => {
      app.conversations
        .open(id)
        .catch((error) => alerts.show({ kind: "error", text: textOf(error) }));
    },
    retry: ({ id }) => pending.retry(id),
    discard: ({ id, text }) => {
      try {
        pending.drop(id);
        desk.putBack(text);
      } catch (error) {
        alerts.show({ kind: "error", text: textOf(error) });
      }
    },
  };
}

/** An own message that can be changed. */
export function isMine(
  item: TimelineItem | undefined,
): item is Extract<TimelineItem, { is: "message" }> {
  return item?.is === "message" && item.own && item.message.deleted !== true;
}
