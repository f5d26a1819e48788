/** `POST /v1/rpc`: who may ask, how much, and as whom; the gateway answers. */
import { timingSafeEqual } from "node:crypto";
import { utf8 } from "../core/bytes.ts";
import { EVENTS_WAIT_MS_MAX } from "../core/limits.ts";
import type { HttpAnswer, HttpCall } from "../gateway/ports.ts";
import {
  bearerOf,
  bodyRefusal,
  jsonResponse,
  readBody,
  refusal,
  SECURITY_HEADERS,
} from "./http-guard.ts";
import { OPERATOR_TOKEN_PREFIX } from "./secret.ts";

/** The longest that an answer may take: a bot that waits for events, and then some. */
const ANSWER_WAIT_S = EVENTS_WAIT_MS_MAX / 1000 + 20;
export const RETRY_AFTER_MS = 1_000;

export type RpcBounds = {
  readonly bodyBytesMax: number;
  readonly bodyWaitMs: number;
  readonly requestsMax: number;
};

/** What the port knows of a request. */
export type RpcRequestFacts = {
  /** Whether it is from no browser, or from a page of this cluster. */
  readonly isAllowed: boolean;
  /** Address of the client, for throttling. */
  readonly address: () => string;
  /** From this machine, and not passed on. */
  readonly isNear: () => boolean;
  /** The connection is not given up for being silent within so many seconds. */
  readonly mayWait: (seconds: number) => void;
};

type Turned = HttpAnswer & {
  readonly bodyLeft?: boolean;
  readonly headers?: Readonly<Record<string, string>>;
};

export class RpcDoor {
  private readonly bounds: RpcBounds;
  private readonly refused: (reason: string) => void;
  private operatorToken: Uint8Array | null = null;
  private requests = 0;

  constructor(bounds: RpcBounds, refused: (reason: string) => void) {
    this.bounds = bounds;
    this.refused = refused;
  }

  /** Requests that are being answered. */
  get inFlight(): number {
    return this.requests;
  }

  /** The operator is who has this token. */
  knowOperator(token: string): void {
    this.operatorToken = utf8(token);
  }

  /** `call`: the gateway, or the answer of a server that serves nobody now. */
  async answer(
    request: Request,
    facts: RpcRequestFacts,
    call: ((call: HttpCall) => Promise<HttpAnswer>) | HttpAnswer,
  ): Promise<Response> {
    const cors = corsOf(request, facts.isAllowed);
    if (cors === null) {
      this.refused("origin");
      return jsonResponse(refusal("forbidden", "pages of this origin may not call this server"));
    }
    if (request.method === "OPTIONS") {
      return new Response(null, { status: 204, headers: { ...SECURITY_HEADERS, ...cors } });
    }
    this.requests++;
    try {
      const answer = await this.turn(request, facts, call);
      // What is left of a body that was refused would be taken for the next request.
      const close = answer.bodyLeft === true ? { connection: "close" } : {};
      return jsonResponse(answer, { ...cors, ...close, ...answer.headers });
    } finally {
      this.requests--;
    }
  }

  private async turn(
    request: Request,
    facts: RpcRequestFacts,
    call: ((call: HttpCall) => Promise<HttpAnswer>) | HttpAnswer,
  ): Promise<Turned> {
    const { headers } = request;
    if (request.method !== "POST") {
      const answer = refusal("invalid", "use POST", { status: 405 });
      return turnedAway(answer, { allow: "POST, OPTIONS" });
    }
    if (!/^application\/json *(;|$)/i.test(headers.get("content-type") ?? "")) {
      const what = "the content type must be application/json";
      return turnedAway(refusal("invalid", what, { status: 415 }));
    }
    if (typeof call !== "function") return turnedAway(call);
    if (this.requests > this.bounds.requestsMax) {
      this.refused("requests");
      const wait = { retryAfterMs: RETRY_AFTER_MS };
      return turnedAway(refusal("unavailable", "too many requests at once: try again", wait));
    }
    const body = await readBody(request, this.bounds.bodyBytesMax, this.bounds.bodyWaitMs);
    if ("problem" in body) {
      this.refused(body.problem);
      return turnedAway(bodyRefusal(body.problem, this.bounds.bodyBytesMax));
    }
    facts.mayWait(ANSWER_WAIT_S);
    const token = bearerOf(headers);
    const operator = token?.startsWith(OPERATOR_TOKEN_PREFIX) === true;
    if (operator && !(facts.isNear() && this.isOperator(token))) {
      this.refused("operator");
      return refusal("unauthorized", "this operator token is not good here");
    }
    const address = facts.address();
    return call({ body: body.text, token: operator ? null : token, address, operator });
  }

  private isOperator(token: string): boolean {
    const given = utf8(token);
    const own = this.operatorToken;
    return own !== null && given.length === own.length && timingSafeEqual(given, own);
  }
}

/** An answer before the body was read. */
function turnedAway(answer: HttpAnswer, headers: Readonly<Record<string, string>> = {}): Turned {
  return { ...answer, bodyLeft: true, headers };
}

/** Headers for the page that asks; null if it may not. */
function corsOf({ headers }: Request, isAllowed: boolean): Record<string, string> | null {
  const origin = headers.get("origin");
  if (!isAllowed) return null;
  if (origin === null) return {};
  return {
    vary: "origin",
    "access-control-allow-origin": origin,
    "access-control-allow-methods": "POST",
    "access-control-allow-headers": "authorization, content-type",
    "access-control-max-age": "600",
    "cross-origin-resource-policy": "cross-origin",
  };
}
