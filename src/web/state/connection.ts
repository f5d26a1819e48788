/** The connection as people see it. */
import { computed, type ReadonlySignal, signal } from "@preact/signals";
import type { Client, Clock, ConnectionStatus } from "../../client/index.ts";
import type { Attention, Network } from "./ports.ts";

/** `offline`: the browser says that there is no network at all. */
export type ConnectionKind = "live" | "connecting" | "waiting" | "offline";

export interface ConnectionState {
  /** `server` and `name` in it: which server the page is attached to. */
  readonly status: ReadonlySignal<ConnectionStatus>;
  readonly kind: ReadonlySignal<ConnectionKind>;
  /** Not live for longer than a hiccup: worth a word. */
  readonly isTroubled: ReadonlySignal<boolean>;
  /** In `waiting`: wall-clock ms of the next attempt. Reads a signal. */
  readonly retryAt: number | undefined;
  retryNow(): void;
}

export const HICCUP_MS = 2_000;

export class ClientConnection implements ConnectionState {
  readonly status;
  readonly kind: ReadonlySignal<ConnectionKind>;
  readonly isTroubled = signal(false);
  readonly #client: Client;
  readonly #clock: Clock;
  readonly #isOffline;
  readonly #ends: (() => void)[];
  #hiccup: (() => void) | undefined;

  constructor(client: Client, clock: Clock, network: Network, attention: Attention) {
    this.#client = client;
    this.#clock = clock;
    this.status = signal(client.connection);
    this.#isOffline = signal(network.isOffline());
    this.kind = computed(() => kindOf(this.status.value, this.#isOffline.value));
    this.#ends = [
      client.on("connection", (status) => {
        this.status.value = status;
      }),
      network.onChange(() => {
        this.#isOffline.value = network.isOffline();
        if (!this.#isOffline.peek()) this.#retryIfWaiting();
      }),
      // Somebody who comes back to the page does not want to wait out a timer.
      attention.onChange(() => {
        if (attention.has()) this.#retryIfWaiting();
      }),
      this.kind.subscribe((kind) => this.#watch(kind)),
    ];
  }

  get retryAt(): number | undefined {
    return this.status.value.retryAt;
  }

  retryNow(): void {
    this.#client.retryNow();
  }

  stop(): void {
    for (const end of this.#ends) end();
    this.#hiccup?.();
  }

  #retryIfWaiting(): void {
    if (this.status.peek().state === "waiting") this.retryNow();
  }

  #watch(kind: ConnectionKind): void {
    if (kind === "live") {
      this.#hiccup?.();
      this.#hiccup = undefined;
      this.isTroubled.value = false;
    } else {
      this.#hiccup ??= this.#clock.schedule(HICCUP_MS, () => {
        this.isTroubled.value = true;
      });
    }
  }
}

/** `idle` needs no connection, so nothing is wrong with it. */
function kindOf({ state }: ConnectionStatus, isOffline: boolean): ConnectionKind {
  if (state === "live" || state === "idle") return "live";
  if (isOffline || state === "closed") return "offline";
  return state === "waiting" ? "waiting" : "connecting";
}
