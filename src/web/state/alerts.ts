/** Short words about what happened, which go by themselves unless they are about trouble. */
import { type ReadonlySignal, signal } from "@preact/signals";
import type { Clock } from "../../client/index.ts";

export type ToastKind = "error" | "warn" | "info" | "good";
export type Toast = {
  readonly id: number;
  readonly kind: ToastKind;
  readonly text: string;
  readonly action?: { readonly label: string; readonly run: () => void };
};

export interface Alerts {
  /** Oldest first, at most five. */
  readonly toasts: ReadonlySignal<readonly Toast[]>;
  /** The answer is its id; one that is shown with the same words is not shown twice. */
  show(toast: Omit<Toast, "id">): number;
  dismiss(id: number): void;
}

export const TOASTS_MAX = 5;
export const TOAST_MS = 6_000;

export class ToastAlerts implements Alerts {
  readonly toasts = signal<readonly Toast[]>([]);
  readonly #clock: Clock;
  #last = 0;
  readonly #timers = new Map<number, () => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  show(toast: Omit<Toast, "id">): number {
    const shown = this.toasts.peek();
    const same = shown.find(({ kind, text }) => kind === toast.kind && text === toast.text);
    const id = same?.id ?? ++this.#last;
    const others = shown.filter((other) => other.id !== id);
    for (const { id: oldest } of others.slice(0, Math.max(0, others.length + 1 - TOASTS_MAX))) {
      this.#cancel(oldest);
    }
    this.toasts.value = [...others, { ...toast, id }].slice(-TOASTS_MAX);
    this.#cancel(id);
    if (toast.kind === "info" || toast.kind === "good") {
      this.#timers.set(
        id,
        this.#clock.schedule(TOAST_MS, () => this.dismiss(id)),
      );
    }
    return id;
  }

  dismiss(id: number): void {
    this.#cancel(id);
    this.toasts.value = this.toasts.peek().filter((toast) => toast.id !== id);
  }

  stop(): void {
    for (const id of [...this.#timers.keys()]) this.#cancel(id);
  }

  #cancel(id: number): void {
    this.#timers.get(id)?.();
    this.#timers.delete(id);
  }
}
