/** JSON-RPC frames in and out: what arrives is hostile until it has passed here. */
import { Refusal } from "../core/errors.ts";
import { RPC_CODES, type RpcId } from "../protocol/rpc.ts";
import { GoElsewhere } from "./elsewhere.ts";

const METHOD_CHARACTERS_MAX = 64;
const ID_CHARACTERS_MAX = 64;
const NOT_A_REQUEST = -32600;
const NOT_JSON = -32700;
const NO_SUCH_METHOD = -32601;

export type Request = { readonly id: RpcId; readonly method: string; readonly params: unknown };

/** A frame that is no request; `id` is null where none can be told. */
export class BadFrame extends Error {
  readonly id: RpcId | null;
  readonly rpcCode: number;
  constructor(message: string, rpcCode: number, id: RpcId | null = null) {
    super(message);
    this.id = id;
    this.rpcCode = rpcCode;
  }
}

function isRpcId(value: unknown): value is RpcId {
  return typeof value === "string"
    ? value.length <= ID_CHARACTERS_MAX
    : typeof value === "number" && Number.isSafeInteger(value);
}

/** Throws BadFrame. */
export function parseRequest(text: string): Request {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new BadFrame("the frame is not JSON", NOT_JSON);
  }
  if (Array.isArray(value)) {
    throw new BadFrame("batches are not supported: send one request a frame", NOT_A_REQUEST);
  }
  if (typeof value !== "object" || value === null) {
    throw new BadFrame("the frame is not a JSON-RPC 2.0 request", NOT_A_REQUEST);
  }
  const { jsonrpc, id, method, params } = value as Record<string, unknown>;
  const known = isRpcId(id) ? id : null;
  if (jsonrpc !== "2.0" || typeof method !== "string" || method.length > METHOD_CHARACTERS_MAX) {
    throw new BadFrame("the frame is not a JSON-RPC 2.0 request", NOT_A_REQUEST, known);
  }
  if (known === null) {
    const what = `a request needs an id: a string of up to ${ID_CHARACTERS_MAX} characters, or an integer`;
    throw new BadFrame(what, NOT_A_REQUEST);
  }
  return { id: known, method, params: params === undefined ? {} : params };
}

export function resultText(id: RpcId, result: unknown): string {
  return JSON.stringify({ jsonrpc: "2.0", id, result });
}

export function errorText(id: RpcId | null, error: Refusal, rpcCode = RPC_CODES[error.code]) {
  const data = {
    code: error.code,
    retry: error.retry,
    ...(error.retryAfterMs === undefined ? {} : { retryAfterMs: error.retryAfterMs }),
    ...(error instanceof GoElsewhere
      ? { servers: error.servers.map(({ name, url }) => ({ name, url })) }
      : {}),
  };
  return JSON.stringify({
    jsonrpc: "2.0",
    id,
    error: { code: rpcCode, message: error.message, data },
  });
}

export function badFrameText(frame: BadFrame): string {
  return errorText(frame.id, new Refusal("invalid", frame.message), frame.rpcCode);
}

export function noSuchMethodText(id: RpcId, method: string): string {
  const known = "see /v1/openrpc.json for the methods of this server";
  const refusal = new Refusal("invalid", `there is no method ${JSON.stringify(method)}: ${known}`);
  return errorText(id, refusal, NO_SUCH_METHOD);
}

export function eventText(method: string, params: object, cursor: string): string {
  return JSON.stringify({ jsonrpc: "2.0", method, params: { ...params, cursor } });
}
