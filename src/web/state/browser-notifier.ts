/**
 * Notifications of the browser. Some, such as Chrome on Android, let only a service worker show them: there the worker
 * shows them, and tells the page when one is pressed (sw.ts). Rejected: by the worker everywhere; where a page may
 * show them itself they work without one, and go with the page.
 */
import type { Notifier } from "./ports.ts";

type Notice = Parameters<Notifier["show"]>[0];

/** What the worker says when a notification is pressed. */
type Pressed = { readonly pressed?: unknown };

const ICON = "icon-192.png";
/** Remembered for when they are pressed; more than a screen shows. */
const SHOWN_MAX = 50;

export function browserNotifier(): Notifier {
  const isSupported = "Notification" in window && window.isSecureContext;
  const byWorker = new Map<string, () => void>();
  if (isSupported) {
    navigator.serviceWorker?.addEventListener("message", ({ data }) => {
      const { pressed } = (data ?? {}) as Pressed;
      if (typeof pressed === "string") byWorker.get(pressed)?.();
    });
  }
  return {
    permission: () => (isSupported ? Notification.permission : "unsupported"),
    async ask() {
      if (!isSupported) return "unsupported";
      return (await Notification.requestPermission()) === "granted" ? "granted" : "denied";
    },
    show(notice) {
      try {
        showByPage(notice);
      } catch {
        const { tag, onClick } = notice;
        byWorker.delete(tag);
        byWorker.set(tag, onClick);
        if (byWorker.size > SHOWN_MAX) byWorker.delete(byWorker.keys().next().value as string);
        showByWorker(notice).catch(() => {}); // the title of the page counts all the same
      }
    },
  };
}

/** Throws where pages may not. */
function showByPage({ title, text, tag, onClick }: Notice): void {
  const notice = new Notification(title, { body: text, tag, icon: ICON });
  notice.addEventListener("click", () => {
    window.focus();
    notice.close();
    onClick();
  });
}

async function showByWorker({ title, text, tag }: Notice): Promise<void> {
  const registration = await navigator.serviceWorker.getRegistration();
  await registration?.showNotification(title, { body: text, tag, icon: ICON });
}
