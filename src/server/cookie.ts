/**
 * The page's session cookie: the session's token where no script can read it. `POST /v1/cookie` sets it,
 * `DELETE /v1/cookie` takes it away, and `session.resume` with the token `cookie` uses the one that came
 * with the WebSocket's handshake.
 *
 * Browsers send cookies along whoever's page makes the request, other ports of the host included. So it
 * counts only where the browser itself says that the page is this server's own: on a handshake, and here,
 * with an `Origin` that is this address. It never counts for `/v1/rpc`. (docs/decisions/0011)
 */
import { Refusal } from "../core/errors.ts";
import { bearerOf, jsonResponse, refusal, SECURITY_HEADERS } from "./http-guard.ts";

const NAME_CHARACTERS = 8;
const MAX_AGE_S = 365 * 24 * 60 * 60;
const TOKEN = /^hft_[A-Za-z0-9_-]{43}$/;

/** Of its own for each cluster: several servers on one host share their cookies, whatever their ports. */
export function cookieName(cluster: string): string {
  return `holdfast-${cluster.slice(0, NAME_CHARACTERS)}`;
}

/** The token in a handshake's cookie; null without one, or if it can be none. */
export function cookieToken(headers: Headers, name: string): string | null {
  for (const pair of (headers.get("cookie") ?? "").split(";")) {
    const [key = "", value = ""] = pair.trim().split("=", 2);
    if (key === name) return TOKEN.test(value) ? value : null;
  }
  return null;
}

/**
 * Whether a browser says that the request comes from this server's own page, scheme and port included.
 * Who sends no origin is no page: it has its token elsewhere, and has no use for a cookie.
 */
export function isOwnPage(headers: Headers, tls: boolean, url: string | null): boolean {
  const origin = headers.get("origin");
  const page = origin !== null && URL.canParse(origin) ? new URL(origin) : null;
  // An https page cannot reach a server without TLS but through a proxy that has it.
  if (page === null || !(tls ? /^https:$/ : /^https?:$/).test(page.protocol)) return false;
  if (url !== null && page.origin === url) return true;
  const host = headers.get("host") ?? "";
  const here = `${page.protocol}//${host}`;
  const isHost = /^[\w.:[\]-]+$/.test(host);
  return isHost && URL.canParse(here) && new URL(here).origin === page.origin;
}

/** Answers `/v1/cookie` to the own page. `check` throws Refusal for a token that is not good. */
export function answerCookie(
  request: Request,
  cluster: string,
  check: (token: string) => void,
): Response {
  const { method, headers } = request;
  if (method !== "POST" && method !== "DELETE") {
    const answer = refusal("invalid", "use POST or DELETE", { status: 405 });
    return jsonResponse(answer, { allow: "POST, DELETE" });
  }
  let token = "";
  if (method === "POST") {
    try {
      token = bearerOf(headers) ?? "";
      check(token);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return jsonResponse(refusal(error.code, error.message));
    }
  }
  const cookie = [
    `${cookieName(cluster)}=${token}`,
    "Path=/v1",
    `Max-Age=${method === "POST" ? MAX_AGE_S : 0}`,
    "HttpOnly",
    "SameSite=Strict",
    ...(headers.get("origin")?.startsWith("https:") ? ["Secure"] : []),
  ].join("; ");
  return new Response(null, {
    status: 204,
    headers: { ...SECURITY_HEADERS, "set-cookie": cookie },
  });
}
