/**
 * A start with `--join`: the cluster's secret is got from the server that made the token, and written where
 * every later start finds it; from then on this server is like any other.
 *
 * Order: the server's own key first, on disk, because the token is spent for it; then the secret. A start that
 * is refused takes back what it made, unless the token may be spent already: then the next start needs the key.
 */
import { existsSync, mkdirSync, rmdirSync, rmSync } from "node:fs";
import { join as joinPath } from "node:path";
import { JoinFailed, type JoinParts, join, joinSecretOf } from "../mesh/join.ts";
import { isLinkRefusal } from "../mesh/refusals.ts";
import { KEY_FILE, KEY_FILES } from "../mesh/server-key.ts";
import { PEER_VERSION, PEER_VERSION_MIN } from "../protocol/peer.ts";
import type { JoinToken } from "../protocol/peer-join.ts";
import { StorageError, storageFailure } from "../storage/failure.ts";
import { identityOf } from "../storage/store-look.ts";
import { openServerKey } from "./cluster.ts";
import { StartError } from "./exit-codes.ts";
import { storeSecrets } from "./keyring.ts";
import { realClock, realRandom } from "./platform.ts";
import { readSecret, SECRET_FILE, type Secrets, withSecret } from "./secret.ts";

export type JoiningParts = {
  readonly data: string;
  readonly name: string;
  readonly token: JoinToken;
  /** The address that clients and servers use. */
  readonly url: string;
  readonly release: string;
  readonly ca: string | null;
  readonly connect?: JoinParts["connect"];
};

/** Throws StartError or StorageError. */
export async function joinCluster(parts: JoiningParts): Promise<Secrets> {
  const { data, token } = parts;
  const kept = secretFor(parts);
  const isFresh = !existsSync(data);
  const hadKey = existsSync(joinPath(data, KEY_FILE));
  try {
    mkdirSync(data, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw storageFailure(`make ${data}`, cause);
  }
  const undo = () => {
    if (!hadKey) for (const file of KEY_FILES) rmSync(joinPath(data, file), { force: true });
    if (isFresh) rmdirSync(data);
  };
  const told = await ask(parts, undo);
  const secret = new Uint8Array(Buffer.from(told.secret, "base64url"));
  const secrets = withSecret(kept, { secret, generation: told.generation, cluster: token.cluster });
  try {
    await storeSecrets(data, secrets);
  } catch (cause) {
    throw storageFailure(`write the cluster's secret to ${data}`, cause);
  }
  return secrets;
}

async function ask(parts: JoiningParts, undo: () => void) {
  const { name, url, release, token, ca, connect } = parts;
  const key = openServerKey(parts.data);
  const versions = { versionMin: PEER_VERSION_MIN, versionMax: PEER_VERSION };
  try {
    return await join({
      token,
      self: { ...versions, server: name, url, release },
      key,
      clock: realClock,
      random: realRandom,
      ca,
      ...(connect === undefined ? {} : { connect }),
    });
  } catch (cause) {
    if (!(cause instanceof JoinFailed)) throw cause;
    if (!cause.isOpen) undo();
    throw notJoined(cause);
  }
}

function notJoined({ problem, message, isOpen }: JoinFailed): StartError {
  const again = isOpen
    ? "start again with the same token: it is this server's if it was taken"
    : "see that the server that made the token runs and can be reached there, then start again";
  const remedy = isLinkRefusal(problem)
    ? "if this server has joined already, start it without --join"
    : again;
  return new StartError("not_joined", `it could not join the cluster: ${message}`, remedy);
}

/** The secret that is there; null if there is none. Refuses what is of another cluster or server. */
function secretFor({ data, name, token }: JoiningParts): Secrets | null {
  const identity = identityOf(data);
  if (identity !== null && identity.server !== name) {
    const what = `${data} holds the data of server ${identity.server}, not of ${name}`;
    throw new StorageError("foreign_server", what);
  }
  const path = joinPath(data, SECRET_FILE);
  const kept = readSecret(path);
  const cluster = identity?.clusterId ?? kept?.cluster ?? token.cluster;
  if (cluster === token.cluster) return kept;
  throw new StartError(
    "foreign_cluster",
    `${data} belongs to another cluster than the join token`,
    "give an empty or a new directory by --data, or a token of that cluster",
  );
}

/** By what a start knows that this token has done its work. */
export function tokenId(token: JoinToken): string {
  return joinSecretOf(token).id;
}
