/**
 * How a server with a join token is let in, at the end that made the token.
 *
 * It comes over a handshake like any other, by the token's key in the place of the cluster's secret. What it
 * gets then is the secret, sealed; there is no link yet: it comes back as a member. A token is good at the
 * server that made it and nowhere else, so one use is one use, whatever is cut off from whom. Rejected: a token
 * that all honour (two uses on two sides of a partition both win).
 */
import type { Hello } from "../protocol/peer-hello.ts";
import type { ToldSecret } from "../protocol/peer-link.ts";
import type { LinkEnd } from "./link-end.ts";
import type { LinkSecret } from "./link-secret.ts";
import type { LinkRefusal } from "./refusals.ts";

export interface Admission {
  /** null for a token that was not made here. */
  token(id: string): LinkSecret | null;
  /** Whether this one may come in by it, as far as it can be said at once. */
  judge(id: string, theirs: Hello): LinkRefusal | null;
  /** Spends the token and records the server; resolves when both are durable. */
  admit(id: string, theirs: Hello): Promise<ToldSecret | LinkRefusal>;
}

export const NO_ADMISSION: Admission = {
  token: () => null,
  judge: () => "token_unknown",
  admit: async () => "token_unknown",
};

type Log = {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
};

/** Lets in who has proved itself, or says why not; ends the connection. */
export async function admit(admission: Admission, end: LinkEnd, log: Log): Promise<void> {
  const theirs = end.theirs as Hello;
  const fields = { peer: theirs.server, url: theirs.url, address: end.address };
  const answer = await admission.admit(end.met?.id ?? "", theirs).catch((cause: unknown) => {
    log.warn({ ...fields, err: cause }, `server ${theirs.server} could not be let in`);
    return "not_stored" as const;
  });
  if (typeof answer === "string") {
    end.refuse(answer);
    return;
  }
  log.info(fields, `server ${theirs.server} joins the cluster by a token`);
  end.say({ type: "link.secret", ...answer });
  end.leave();
}
