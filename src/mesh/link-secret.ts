/**
 * Secrets by which two servers prove that they belong together, and which of them two use.
 *
 * A cluster has one secret at a time, but a server that was away when it was changed has the one before: it
 * proves itself by that and by its recorded key, and is told the present one. So each names its secrets in its
 * hello, by hashes, and both find the same one. A join token is such a secret too, for one server and one use.
 * Rejected: one secret only (who was away is out for ever), a grace period (who was away longer is).
 */
import { createHash } from "node:crypto";
import { toBase32Hex } from "../core/bytes.ts";
import type { Hello } from "../protocol/peer-hello.ts";
import type { Role } from "./proof.ts";

export type LinkSecret = {
  /** Hash of the key; told to anybody. */
  readonly id: string;
  /** 32 bytes. */
  readonly key: Uint8Array;
};

export function linkSecret(key: Uint8Array): LinkSecret {
  const hash = createHash("sha256").update("holdfast/secret id\0").update(key).digest();
  return { id: toBase32Hex(hash.subarray(0, 16)), key };
}

/** By which secret a handshake goes. */
export type MetBy = LinkSecret & {
  /** `present`: both hold it for the cluster's; `former`: one of them has a newer one. */
  readonly is: "present" | "former" | "token";
};

/** What one end has to prove itself with. */
export interface LinkSecrets {
  /** Those that it names, the one that it holds for the cluster's present one first. */
  readonly told: readonly LinkSecret[];
  /** That of a join token that was made here. */
  token(id: string): LinkSecret | null;
}

/** The same at both ends: the first of the dialler's that the acceptor has; null if there is none. */
export function commonSecret(
  role: Role,
  secrets: LinkSecrets,
  mine: Hello,
  theirs: Hello,
): MetBy | null {
  const token = tokenSecret(role, secrets, mine, theirs);
  if (token !== undefined) return token;
  const [dialled, accepted] = role === "dialler" ? [mine, theirs] : [theirs, mine];
  const id = dialled.secrets.find((one) => accepted.secrets.includes(one));
  const found = secrets.told.find((one) => one.id === id);
  if (found === undefined) return null;
  const isPresent = found.id === mine.secrets[0] && found.id === theirs.secrets[0];
  return { ...found, is: isPresent ? "present" : "former" };
}

/** Only who dials joins, by the server that made its token; undefined if nobody does. */
function tokenSecret(
  role: Role,
  secrets: LinkSecrets,
  mine: Hello,
  theirs: Hello,
): MetBy | null | undefined {
  const isDialler = role === "dialler";
  const [dialled, accepted] = isDialler ? [mine, theirs] : [theirs, mine];
  if (accepted.joins) return null;
  if (!dialled.joins) return undefined;
  const [own] = secrets.told;
  const found = isDialler ? own : secrets.token(dialled.secrets[0] as string);
  return found === undefined || found === null ? null : { ...found, is: "token" };
}
