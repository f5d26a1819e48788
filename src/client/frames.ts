/** Reads what a server sends: an event, an answer, or something that is neither. Never throws. */
import type { RpcError } from "../protocol/rpc.ts";

export type Frame =
  | { kind: "event"; method: string; params: unknown }
  | { kind: "answer"; id: string | number; result?: unknown; error?: RpcError }
  | { kind: "other"; why: string };

type Raw = { id?: unknown; method?: unknown; params?: unknown; result?: unknown; error?: unknown };

export function parseFrame(data: unknown): Frame {
  if (typeof data !== "string")
    return { kind: "other", why: "the server sent a frame that is no text" };
  let raw: Raw | null;
  try {
    raw = JSON.parse(data);
  } catch {
    return { kind: "other", why: "the server sent a frame that is no JSON" };
  }
  if (typeof raw !== "object" || raw === null) {
    return { kind: "other", why: "the server sent a frame that is no object" };
  }
  if (typeof raw.method === "string")
    return { kind: "event", method: raw.method, params: raw.params };
  if (typeof raw.id !== "string" && typeof raw.id !== "number") {
    const message = (raw.error as Partial<RpcError> | undefined)?.message;
    return {
      kind: "other",
      why: `the server could not read a frame: ${message ?? "no reason given"}`,
    };
  }
  if (raw.error !== undefined) return { kind: "answer", id: raw.id, error: raw.error as RpcError };
  return { kind: "answer", id: raw.id, result: raw.result };
}
