/**
 * How the server ends, as exit status: a closed table. Scripts and service managers may rely on the
 * numbers; none is ever reused.
 *
 * A refusal to start changes nothing on disk. What may be cured by waiting (`port_in_use`, `locked`) and
 * what needs a person (all others) can be told apart by the number.
 */
import { FileTaken, type StorageCode, storageFailure } from "../storage/failure.ts";

export const EXIT_CODES = {
  /** Stopped as asked. */
  ok: 0,
  /** The command line, the environment or the configuration file is wrong. */
  usage: 2,
  /** Another program listens on the address. */
  port_in_use: 10,
  /** The address is not one of this machine, or may not be used by this user. */
  address_unusable: 11,
  /** Another server process uses the data directory. */
  locked: 12,
  /** The directory holds something that is not Holdfast's. */
  not_a_store: 13,
  /** The data of a server with another name. */
  foreign_server: 14,
  /** The data of another cluster, or the secret is missing or is none. */
  foreign_cluster: 15,
  /** Written by a newer release. */
  newer_format: 16,
  /** A file or folder may not be read or written by this user. */
  no_permission: 17,
  /** Something acknowledged is missing from the log or damaged. */
  damaged: 18,
  /** Certificate or key can't be used. */
  tls: 19,
  /** For commands that need it: the server does not run. */
  not_running: 20,
  /** The operator of another server has removed this one from the cluster. */
  removed: 21,
  /** A start with `--join`: refused, or nobody answers there. */
  not_joined: 22,
  /** A defect of Holdfast: please report it. */
  internal: 70,
  /** The disk failed: at start, or while running. Nothing goes on after a failed sync. */
  storage_failed: 74,
} as const;

export type ExitReason = keyof typeof EXIT_CODES;

/** A refusal to start: what happened to what, and what to do about it. */
export class StartError extends Error {
  override name = "StartError";
  readonly reason: ExitReason;
  readonly remedy: string;

  constructor(reason: ExitReason, message: string, remedy: string) {
    super(message);
    this.reason = reason;
    this.remedy = remedy;
  }
}

/** What to do about a store that can't be opened. */
export const STORAGE_REMEDIES: Readonly<
  Record<StorageCode, { readonly reason: ExitReason; readonly remedy: string }>
> = {
  no_permission: {
    reason: "no_permission",
    remedy: "run the server as the user who owns the directory, or choose another by --data",
  },
  locked: {
    reason: "locked",
    remedy: "stop the other server first, or give this one a name and a directory of its own",
  },
  not_a_store: {
    reason: "not_a_store",
    remedy: "give an empty or a new directory by --data",
  },
  foreign_server: {
    reason: "foreign_server",
    remedy: "start it under that name by --name, or give another directory by --data",
  },
  foreign_cluster: {
    reason: "foreign_cluster",
    remedy:
      "give the secret that this data was made with by --secret-file, or another directory by --data",
  },
  newer_format: {
    reason: "newer_format",
    remedy:
      "start it with the newer release; going back to an older one needs a backup from before",
  },
  damaged: {
    reason: "damaged",
    remedy:
      "restore the directory from a backup if you have one; or start once with --accept-loss: it keeps a copy of the damaged files, goes on with everything that is whole under a new identity, and says what was given up",
  },
  disk_failed: {
    reason: "storage_failed",
    remedy:
      "look at the disk and its file system (full? read-only? errors in the system's log?), then start again",
  },
};

/** What a command says of a store, a file or a disk, with what to do about it here. */
export function storageRefusal(
  error: unknown,
  doing: string,
  remedies: Readonly<Partial<Record<StorageCode, string>>>,
): StartError {
  if (error instanceof StartError) return error;
  if (error instanceof FileTaken) {
    return new StartError("usage", error.message, "give another file, or --force to replace it");
  }
  const { code, message } = storageFailure("the file system", error);
  const { reason, remedy } = STORAGE_REMEDIES[code];
  return new StartError(reason, `${doing}: ${message}`, remedies[code] ?? remedy);
}
