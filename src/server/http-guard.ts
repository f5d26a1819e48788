/** What may be asked over HTTP, by whom, and how much of it: checks and fixed answers, without state. */
import type { RefusalCode } from "../core/errors.ts";
import { RETRYABLE } from "../core/errors.ts";
import type { HttpAnswer } from "../gateway/ports.ts";
import { HTTP_STATUS, RPC_CODES, type RpcResponse } from "../protocol/rpc.ts";

/** No page may frame, sniff or run what comes from here; nothing is to be kept by caches. */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "referrer-policy": "no-referrer",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "cross-origin-resource-policy": "same-origin",
  "cache-control": "no-store",
};

export function textResponse(
  status: number,
  text: string,
  headers: Readonly<Record<string, string>> = {},
): Response {
  const type = { "content-type": "text/plain; charset=utf-8" };
  return new Response(text, { status, headers: { ...SECURITY_HEADERS, ...type, ...headers } });
}

/** For who has nothing else to ask on this connection. */
export function lastResponse(
  status: number,
  why: string,
  headers: Readonly<Record<string, string>> = {},
): Response {
  return textResponse(status, `${why}\n`, { connection: "close", ...headers });
}

export function jsonResponse(
  { status, body }: HttpAnswer,
  headers: Readonly<Record<string, string>> = {},
): Response {
  const type = { "content-type": "application/json; charset=utf-8" };
  return new Response(body, { status, headers: { ...SECURITY_HEADERS, ...type, ...headers } });
}

/** A refusal before there was a request to refuse: JSON-RPC with a null id. */
export function refusal(
  code: RefusalCode,
  message: string,
  { status = HTTP_STATUS[code], retryAfterMs }: { status?: number; retryAfterMs?: number } = {},
): HttpAnswer {
  const wait = retryAfterMs === undefined ? {} : { retryAfterMs };
  const data = { code, retry: RETRYABLE[code], ...wait };
  const answer: RpcResponse = {
    jsonrpc: "2.0",
    id: null,
    error: { code: RPC_CODES[code], message, data },
  };
  return { status, body: JSON.stringify(answer) };
}

/** A host without the port that its scheme has anyway. */
function bareHost(host: string): string {
  return host.toLowerCase().replace(/:(80|443)$/, "");
}

/**
 * Whether a page of this origin may talk to this server: one that came from here, or from an address that
 * clients use of this server or another one of the cluster. No origin at all: not a browser.
 */
export function allowsOrigin(
  origin: string | null,
  host: string | null,
  urls: readonly string[],
): boolean {
  if (origin === null) return true;
  const page = URL.canParse(origin) ? new URL(origin) : null;
  if (page === null || !/^https?:$/.test(page.protocol)) return false;
  if (urls.some((url) => URL.canParse(url) && new URL(url).origin === page.origin)) return true;
  return host !== null && bareHost(page.host) === bareHost(host);
}

const PROXY_HEADERS = ["x-forwarded-for", "forwarded", "x-real-ip", "via"];

/** A request that somebody passed on says nothing about where it came from. */
export function isPassedOn(headers: Headers): boolean {
  return PROXY_HEADERS.some((name) => headers.has(name));
}

export function bearerOf(headers: Headers): string | null {
  const header = headers.get("authorization");
  return header === null ? null : (/^Bearer +(\S+) *$/i.exec(header)?.[1] ?? "");
}

export type Body =
  | { readonly text: string }
  | { readonly problem: "too_large" | "not_utf8" | "too_slow" | "gone" };

const strictUtf8 = new TextDecoder("utf-8", { fatal: true });

/** Reads a body within bounds. What is too large is not read to its end. */
export async function readBody(request: Request, bytesMax: number, waitMs: number): Promise<Body> {
  const length = request.headers.get("content-length");
  if (length !== null && Number(length) > bytesMax) return { problem: "too_large" };
  if (request.body === null) return { text: "" };
  const late = Promise.withResolvers<"late">();
  const timer = setTimeout(() => late.resolve("late"), waitMs);
  const reader = request.body.getReader();
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for (;;) {
      const next = await Promise.race([reader.read(), late.promise]);
      if (next === "late") return { problem: "too_slow" };
      if (next.done) break;
      size += next.value.length;
      if (size > bytesMax) return { problem: "too_large" };
      chunks.push(next.value);
    }
    return { text: strictUtf8.decode(Buffer.concat(chunks)) };
  } catch (error) {
    return { problem: error instanceof TypeError ? "not_utf8" : "gone" };
  } finally {
    clearTimeout(timer);
    reader.releaseLock();
  }
}

const UNNAMED = "http://unnamed.invalid";

/** Null if it names a host that is none. One that names no host at all is old, or a machine's probe. */
export function requestUrl({ url, headers }: Request): URL | null {
  if (URL.canParse(url)) return new URL(url);
  if (headers.has("host") || !URL.canParse(url, UNNAMED)) return null;
  return new URL(url, UNNAMED);
}

/** What the sender of a body that can't be read is told. */
export function bodyRefusal(
  problem: "too_large" | "not_utf8" | "too_slow" | "gone",
  bytesMax: number,
): HttpAnswer {
  switch (problem) {
    case "too_large":
      return refusal("too_large", `a request may have ${bytesMax} bytes`);
    case "not_utf8":
      return refusal("invalid", "the request is not UTF-8");
    case "too_slow":
    case "gone":
      return refusal("invalid", "the request did not come to its end in time", { status: 408 });
  }
}
