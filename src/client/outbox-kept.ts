/** An outbox entry as it is kept, and back. What cannot be read is no entry: storage is not to be trusted. */
import { isRequestId } from "../core/ids.ts";
import type { OutboxEntry } from "./outbox-entry.ts";

/** Keys of entries: this and the request id. */
export const KEY = "outbox/";

export type Kept = {
  entry: OutboxEntry;
  /** Who wrote it: it never goes out as anybody else. */
  account: string | undefined;
  /** What `to` stands for, from the first attempt on. */
  target: { readonly to: string; readonly conversation: string } | undefined;
  /** Whether an attempt may have gone without an answer. */
  attempted: boolean;
  /** Pauses so far. */
  tries: number;
  /** Its lane is at work on it. */
  running: boolean;
  /** A request is under way. */
  inFlight: boolean;
};

export function keptOf(kept: Kept): string {
  const { entry, account, target, attempted } = kept;
  const state = entry.state === "sending" ? "waiting" : entry.state;
  return JSON.stringify({ entry: { ...entry, state }, account, target, attempted });
}

export function parseKept(text: string): Kept | undefined {
  let value: Partial<Kept> | null;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const entry = value?.entry;
  if (value === null || typeof entry !== "object" || entry === null) return undefined;
  if (!isEntry(entry)) return undefined;
  const { target } = value;
  const known = typeof target?.to === "string" && typeof target.conversation === "string";
  return {
    entry,
    account: typeof value.account === "string" ? value.account : undefined,
    target: known ? target : undefined,
    attempted: value.attempted === true,
    tries: 0,
    running: false,
    inFlight: false,
  };
}

function isEntry({ id, to, text, state, at, error }: OutboxEntry): boolean {
  const isTold =
    error === undefined || (typeof error?.code === "string" && typeof error.message === "string");
  return (
    typeof id === "string" &&
    isRequestId(id) &&
    typeof to === "string" &&
    typeof text === "string" &&
    ["waiting", "failed", "stored"].includes(state) &&
    Number.isFinite(at) &&
    isTold
  );
}
