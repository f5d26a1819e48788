/** Reads what a server sends: an event, an answer, or something that is neither. Never throws. */
import type { RpcError } from "../protocol/rpc.ts";
import { errorIn, isRecord } from "./told.ts";

export type Frame =
  | { kind: "event"; method: string; params: unknown }
  | { kind: "answer"; id: string | number; result?: unknown; error?: Partial<RpcError> }
  | { kind: "other"; why: string };

export function parseFrame(data: unknown): Frame {
  if (typeof data !== "string")
    return { kind: "other", why: "the server sent a frame that is no text" };
  let raw: unknown;
  try {
    raw = JSON.parse(data);
  } catch {
    return { kind: "other", why: "the server sent a frame that is no JSON" };
  }
  if (!isRecord(raw)) {
    return { kind: "other", why: "the server sent a frame that is no object" };
  }
  if (typeof raw.method === "string")
    return { kind: "event", method: raw.method, params: raw.params };
  if (typeof raw.id !== "string" && typeof raw.id !== "number") {
    const why = errorIn(raw.error).message ?? "no reason given";
    return { kind: "other", why: `the server could not read a frame: ${why}` };
  }
  if (raw.error !== undefined) return { kind: "answer", id: raw.id, error: errorIn(raw.error) };
  return { kind: "answer", id: raw.id, result: raw.result };
}
