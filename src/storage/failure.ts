/**
 * What can be wrong with a data directory or its disk, each with a code of its own: the server turns a
 * code into an exit status and prints the message as it is. Nothing here is a defect of ours (that is an
 * AssertionError) or an answer to a client (that is a Refusal).
 */

/** Why a store can't be opened or can't go on, in the order in which opening looks for them. */
export const STORAGE_CODES = [
  "no_permission", // the directory or a file in it may not be read or written by this user
  "locked", // another process has this store open
  "not_a_store", // the directory holds something else
  "foreign_server", // the store of a server with another name
  "foreign_cluster", // the store of another cluster
  "newer_format", // written by a newer release
  "damaged", // something acknowledged is missing or does not match its hash
  "disk_failed", // a read, write or sync failed
] as const;

export type StorageCode = (typeof STORAGE_CODES)[number];

/** One thing that is damaged or missing. Says what is known of it; ranges are inclusive. */
export type Finding = {
  /** What is wrong, in words: "op lost", "body does not match its hash", ... */
  readonly what: string;
  readonly n?: number;
  readonly toN?: number;
  readonly origin?: string;
  readonly seq?: number;
  readonly toSeq?: number;
  readonly kind?: number;
  readonly author?: string;
};

/** How many findings a message prints before it only counts. */
export const FINDING_LINES_MAX = 50;
/** How many findings are kept at all: a wrecked log must not fill the memory with its list. */
export const FINDINGS_KEPT_MAX = 10_000;

function range(label: string, from: number | undefined, to: number | undefined): string {
  if (from === undefined) return "";
  return to === undefined || to === from ? ` ${label} ${from}` : ` ${label} ${from}-${to}`;
}

/** One line for an operator. */
export function findingText(finding: Finding): string {
  const { what, n, toN, origin, seq, toSeq, kind, author } = finding;
  const who = origin === undefined ? "" : ` of ${origin}`;
  const where = `${range("n", n, toN)}${who}${range("seq", seq, toSeq)}`;
  const more = `${kind === undefined ? "" : ` kind ${kind}`}${author === undefined ? "" : ` by ${author}`}`;
  const details = `${where}${more}`.trim();
  return details === "" ? what : `${what}: ${details}`;
}

/** At most {@link FINDING_LINES_MAX} lines, then how many more there are. */
export function findingLines(findings: readonly Finding[]): string[] {
  const lines = findings.slice(0, FINDING_LINES_MAX).map(findingText);
  const more = findings.length - lines.length;
  if (more > 0) lines.push(`... and ${more} more`);
  return lines;
}

/** A store that can't be opened, or can't go on. */
export class StorageError extends Error {
  override name = "StorageError";
  readonly code: StorageCode;
  /** For `damaged`: everything that was found, longest list {@link FINDINGS_KEPT_MAX}. */
  readonly findings: readonly Finding[];

  constructor(
    code: StorageCode,
    message: string,
    about: { findings?: readonly Finding[]; cause?: unknown } = {},
  ) {
    super(message, about.cause === undefined ? undefined : { cause: about.cause });
    this.code = code;
    this.findings = about.findings ?? [];
  }
}

/** There is a file already, and it was not to be replaced. */
export class FileTaken extends Error {
  override name = "FileTaken";
}

/** Collects findings: neighbours of one sort become one range, and the list has a bound. */
export class Findings {
  readonly list: Finding[] = [];
  /** All that were found, also those past the bound. */
  count = 0;

  add(finding: Finding): void {
    this.count++;
    const last = this.list.at(-1);
    if (last !== undefined && follows(last, finding)) {
      this.list[this.list.length - 1] = joined(last, finding);
    } else if (this.list.length < FINDINGS_KEPT_MAX) {
      this.list.push(finding);
    }
  }

  get any(): boolean {
    return this.count > 0;
  }
}

function follows(last: Finding, next: Finding): boolean {
  if (last.what !== next.what || last.origin !== next.origin) return false;
  if (last.kind !== undefined || next.kind !== undefined) return false;
  const byN = last.n === undefined ? next.n === undefined : next.n === (last.toN ?? last.n) + 1;
  const bySeq =
    last.seq === undefined ? next.seq === undefined : next.seq === (last.toSeq ?? last.seq) + 1;
  return byN && bySeq && (last.n !== undefined || last.seq !== undefined);
}

function joined(last: Finding, next: Finding): Finding {
  const toN = next.toN ?? next.n;
  const toSeq = next.toSeq ?? next.seq;
  return {
    ...last,
    ...(toN === undefined ? {} : { toN }),
    ...(toSeq === undefined ? {} : { toSeq }),
  };
}

function causeCode(cause: unknown): string {
  const code = (cause as { code?: unknown } | null)?.code;
  return typeof code === "string" ? code : "";
}

const FORBIDDEN: ReadonlySet<string> = new Set(["EACCES", "EPERM", "EROFS", "SQLITE_READONLY"]);
const BROKEN: ReadonlySet<string> = new Set(["SQLITE_CORRUPT", "SQLITE_NOTADB"]);
/** A write that the system refused, before anything of it was synced: SQLite takes all of it back. */
const NO_ROOM = "SQLITE_FULL";

/** Whether a system or SQLite error means that this user may not do it. */
export function isPermission(cause: unknown): boolean {
  return FORBIDDEN.has(causeCode(cause));
}

/** Whether SQLite says that the file itself is damaged. */
export function isCorruption(cause: unknown): boolean {
  const code = causeCode(cause);
  return BROKEN.has(code) || code.startsWith("SQLITE_CORRUPT");
}

/** Whether SQLite could not write for want of room on the disk, and only for that. */
export function isNoRoom(cause: unknown): boolean {
  return causeCode(cause) === NO_ROOM;
}

/** What SQLite says of an I/O error is the same for all of them: its code tells which one it was. */
function causeText(cause: unknown): string {
  const message = cause instanceof Error ? cause.message : String(cause);
  const code = causeCode(cause);
  return code.startsWith("SQLITE_IOERR") ? `${message} (${code})` : message;
}

/** Any error of the disk or of SQLite as a StorageError; one that is already stays as it is. */
export function storageFailure(doing: string, cause: unknown): StorageError {
  if (cause instanceof StorageError) return cause;
  const message = causeText(cause);
  if (isPermission(cause)) {
    return new StorageError("no_permission", `${doing}: ${message}`, { cause });
  }
  if (isCorruption(cause)) {
    const findings = [{ what: `${doing}: ${message}` }];
    return new StorageError("damaged", `${doing}: ${message}`, { cause, findings });
  }
  return new StorageError("disk_failed", `${doing}: ${message}`, { cause });
}
