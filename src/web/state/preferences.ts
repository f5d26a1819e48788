/** How the page looks and when it speaks up; kept in this browser, for whoever uses it. */
import { effect, type Signal, signal } from "@preact/signals";
import type { PageKeep } from "./page-keep.ts";
import type { Notifier } from "./ports.ts";
import { type Theme, themeOf } from "./theme.ts";

export type NotificationPreferences = { readonly inPage: boolean; readonly browser: boolean };

export interface Preferences {
  /** Set it: it is kept, and followed by the other tabs. */
  readonly theme: Signal<Theme>;
  /** The same. `browser` counts only as long as the browser permits it. */
  readonly notifications: Signal<NotificationPreferences>;
  /** What the browser says now, without asking. */
  permission(): "granted" | "denied" | "default" | "unsupported";
  /** Asks the browser, in answer to a click; sets `browser` to what came of it. */
  askPermission(): Promise<"granted" | "denied" | "unsupported">;
}

const KEY = "preferences";

type Kept = { theme: Theme; notifications: NotificationPreferences };

export class KeptPreferences implements Preferences {
  readonly theme: Signal<Theme>;
  readonly notifications: Signal<NotificationPreferences>;
  readonly #notifier: Notifier;
  readonly #ends: (() => void)[];

  constructor(keep: PageKeep, notifier: Notifier) {
    this.#notifier = notifier;
    const kept = parse(keep.readJson(KEY));
    this.theme = signal(kept.theme);
    this.notifications = signal(kept.notifications);
    let begun = false;
    const write = effect(() => {
      const now: Kept = { theme: this.theme.value, notifications: this.notifications.value };
      if (begun) keep.write(KEY, JSON.stringify(now));
      begun = true;
    });
    const unwatch = keep.watch(KEY, () => {
      const { theme, notifications } = parse(keep.readJson(KEY));
      this.theme.value = theme;
      const { inPage, browser } = this.notifications.peek();
      if (inPage !== notifications.inPage || browser !== notifications.browser) {
        this.notifications.value = notifications;
      }
    });
    this.#ends = [write, unwatch];
  }

  permission() {
    return this.#notifier.permission();
  }

  async askPermission() {
    const answer = await this.#notifier.ask();
    const browser = answer === "granted";
    this.notifications.value = { ...this.notifications.peek(), browser };
    return answer;
  }

  stop(): void {
    for (const end of this.#ends) end();
  }
}

function parse(value: unknown): Kept {
  const { notifications } = (value ?? {}) as Partial<Kept>;
  return {
    theme: themeOf(value),
    notifications: {
      inPage: notifications?.inPage !== false,
      browser: notifications?.browser === true,
    },
  };
}
