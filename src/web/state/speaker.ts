/** Says what came to whoever does not see it: in the page, or by the browser. */
import type { Account, Conversation, Message } from "../../client/index.ts";
import type { Alerts } from "./alerts.ts";
import { noticeFor, noticeText, noticeTitle } from "./notices.ts";
import type { PlaceAt } from "./place.ts";
import type { Attention, Notifier } from "./ports.ts";
import type { Preferences } from "./preferences.ts";

export type SpeakerParts = {
  readonly alerts: Alerts;
  readonly notifier: Notifier;
  readonly attention: Attention;
  readonly preferences: Preferences;
  readonly isElsewhere: () => boolean;
  readonly me: () => Account | undefined;
  readonly place: () => PlaceAt;
  readonly conversation: (id: string) => Conversation | undefined;
  readonly go: (conversation: string) => void;
};

export class Speaker {
  readonly #parts: SpeakerParts;
  /** One toast for a conversation: what came last. */
  readonly #shown = new Map<string, number>();

  constructor(parts: SpeakerParts) {
    this.#parts = parts;
  }

  posted(message: Message): void {
    const parts = this.#parts;
    const id = message.conversation;
    const conversation = parts.conversation(id);
    const kind = noticeFor(message, {
      me: parts.me(),
      conversation,
      place: parts.place(),
      hasAttention: parts.attention.has(),
      preferences: parts.preferences.notifications.peek(),
      isPermitted: parts.notifier.permission() === "granted",
    });
    if (kind === "none") return;
    const title = noticeTitle(message, conversation);
    const text = noticeText(message);
    if (kind === "browser") {
      if (parts.isElsewhere()) return;
      parts.notifier.show({ title, text, tag: id, onClick: () => parts.go(id) });
      return;
    }
    this.opened(id);
    const action = { label: "Show", run: () => parts.go(id) };
    this.#shown.set(id, parts.alerts.show({ kind: "info", text: `${title}: ${text}`, action }));
  }

  /** One is there now: nothing needs to be said of it. */
  opened(conversation: string): void {
    const toast = this.#shown.get(conversation);
    if (toast !== undefined) this.#parts.alerts.dismiss(toast);
    this.#shown.delete(conversation);
  }

  clear(): void {
    for (const conversation of [...this.#shown.keys()]) this.opened(conversation);
  }
}
