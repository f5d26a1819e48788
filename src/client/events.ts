/** What a client tells its listeners: the notifications of the protocol and a few events of its own. */
import type { RefusalCode } from "../core/errors.ts";
import type { EventName, EventParams } from "../protocol/events.ts";
import type { Account } from "../protocol/schema.ts";
import type { ConnectionStatus } from "./connection-status.ts";
import type { OutboxEntry } from "./outbox-entry.ts";

export type OwnEvents = {
  /** The connection changed: for a small, honest sign in a page. */
  connection: ConnectionStatus;
  /** This client now acts for an account, by sign-in or by a kept token. */
  signed_in: { account: Account };
  /** It no longer does: signed out, or the server says that the session is over. */
  signed_out: { reason: string; code: RefusalCode };
  /** An entry of the outbox changed; `stored` and `dropped` ones have left it. */
  outbox: { entry: OutboxEntry; dropped?: true };
  /** Something is wrong that no call reports: a listener threw, the storage failed. */
  fault: { where: "listener" | "storage" | "frame"; error: unknown };
};

export type ClientEvents = { [E in EventName]: EventParams<E> } & OwnEvents;
export type Listener<E extends keyof ClientEvents> = (params: ClientEvents[E]) => unknown;

/** Runs listeners in the order in which they came; one that throws does not keep the others from hearing. */
export class Emitter {
  private readonly listeners = new Map<string, Set<(params: never) => unknown>>();

  on<E extends keyof ClientEvents>(event: E, listener: Listener<E>): () => void {
    const own = (params: ClientEvents[E]) => listener(params); // the same function may listen twice
    const set = this.listeners.get(event) ?? new Set();
    this.listeners.set(event, set);
    set.add(own);
    return () => set.delete(own);
  }

  emit<E extends keyof OwnEvents>(event: E, params: OwnEvents[E]): void {
    void this.pass(event, params);
  }

  /** The answer holds a promise for each listener that is not done yet; none of them rejects. */
  pass(event: string, params: unknown): Promise<void>[] {
    const open: Promise<void>[] = [];
    for (const listener of [...(this.listeners.get(event) ?? [])]) {
      try {
        const done = (listener as (params: unknown) => unknown)(params);
        if (done instanceof Promise)
          open.push(done.then(nothing, (error) => this.failed(event, error)));
      } catch (error) {
        this.failed(event, error);
      }
    }
    return open;
  }

  private failed(event: string, error: unknown): void {
    if (event !== "fault") this.emit("fault", { where: "listener", error });
  }
}

function nothing(): void {}

/** The id of what an event is about, if it has one. */
export function idOf(value: unknown): unknown {
  return typeof value === "object" && value !== null ? (value as { id?: unknown }).id : undefined;
}
