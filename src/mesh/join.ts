/**
 * How a new server gets the cluster's secret with a join token: one connection to the server that made it, a
 * handshake by the token's key, and then the secret, sealed. The token names that server's key, so that nobody
 * else is believed; it is spent only for a server that proved its own key, so that the same one may ask again
 * when its first attempt broke off.
 */
import { toBase64Url } from "../core/bytes.ts";
import { JOIN_DEADLINE_MS } from "../core/limits.ts";
import type { Hello } from "../protocol/peer-hello.ts";
import type { JoinToken } from "../protocol/peer-join.ts";
import type { LinkMessage, ToldSecret } from "../protocol/peer-link.ts";
import type { Clock, Random } from "../replica/ports.ts";
import { type DialListener, DialledWire } from "./dialled-wire.ts";
import type { Self } from "./handshake.ts";
import { type Ending, LinkEnd, type LinkHost } from "./link-end.ts";
import { type LinkSecret, linkSecret } from "./link-secret.ts";
import { reasonOf } from "./link-status.ts";
import { isLinkRefusal, type LinkProblem, type LinkRefusal } from "./refusals.ts";
import type { ServerKey } from "./server-key.ts";
import type { Wire } from "./wire.ts";

export type JoinParts = {
  readonly token: JoinToken;
  readonly self: Pick<Self, "versionMin" | "versionMax" | "server" | "url" | "release">;
  readonly key: ServerKey;
  readonly clock: Clock;
  readonly random: Random;
  /** PEM of who signed the certificate of the server that made the token, if it is none of the usual. */
  readonly ca: string | null;
  readonly connect?: (url: string, listener: DialListener) => Wire;
};

/** It did not join. */
export class JoinFailed extends Error {
  override name = "JoinFailed";
  readonly problem: LinkProblem;
  /** Whether the other end may have taken it in all the same: then its key must be kept. */
  readonly isOpen: boolean;

  constructor(problem: LinkProblem, words: string, isOpen: boolean) {
    super(words);
    this.problem = problem;
    this.isOpen = isOpen;
  }
}

/** The log of a server that joins does not exist yet. */
const NO_STORE = "none";

export function joinSecretOf(token: JoinToken): LinkSecret {
  return linkSecret(new Uint8Array(Buffer.from(token.join, "base64url")));
}

/** Tries each address of the token. Throws JoinFailed. */
export async function join(parts: JoinParts): Promise<ToldSecret> {
  let failed: JoinFailed | null = null;
  for (const url of parts.token.urls) {
    try {
      return await new Joining(parts, url).result;
    } catch (error) {
      if (!(error instanceof JoinFailed)) throw error;
      failed = error;
      if (isLinkRefusal(error.problem) || error.isOpen) break;
    }
  }
  throw failed;
}

class Joining implements LinkHost {
  readonly result: Promise<ToldSecret>;
  private readonly token: JoinToken;
  private readonly url: string;
  private readonly settle = Promise.withResolvers<ToldSecret>();
  private isProved = false;

  constructor(parts: JoinParts, url: string) {
    this.result = this.settle.promise;
    const { token, self, key, clock, random, ca, connect } = parts;
    this.token = token;
    this.url = url;
    const end = new LinkEnd({
      role: "dialler",
      address: url,
      self: {
        ...self,
        cluster: token.cluster,
        store: NO_STORE,
        instance: toBase64Url(random.bytes(32)),
        joins: true,
      },
      secrets: { told: [joinSecretOf(token)], token: () => null },
      key,
      clock,
      random,
      host: this,
    });
    const wire = connect === undefined ? new DialledWire(clock, url, ca, end) : connect(url, end);
    end.carriedBy(wire);
    const late = clock.schedule(JOIN_DEADLINE_MS, () => end.refuse("too_slow"));
    const stop = () => late.cancel();
    this.result.then(stop, stop);
  }

  judge(_end: LinkEnd, theirs: Hello): LinkRefusal | null {
    return theirs.key === this.token.key ? null : "wrong_key";
  }

  authenticated(): void {
    this.isProved = true;
  }

  received(): void {}

  told(end: LinkEnd, message: LinkMessage): void {
    if (message.type !== "link.secret") return;
    if (message.cluster !== this.token.cluster) {
      end.refuse("other_cluster");
      return;
    }
    const { cluster, generation, secret } = message;
    this.settle.resolve({ cluster, generation, secret });
    end.leave();
  }

  ended(end: LinkEnd, ending: Ending): void {
    const isRefused = isLinkRefusal(ending.problem) && ending.problem !== "too_slow";
    const words = `${this.url}: ${reasonOf(end, ending)}`;
    this.settle.reject(new JoinFailed(ending.problem, words, this.isProved && !isRefused));
  }
}
