/**
 * A file that is there whole, or not at all: written beside its place under another name, synced, then moved.
 *
 * The other name carries the process that writes it: what a killed one left is removed by the next, what another
 * one is writing is left alone. Without `force` the move is a link, which never takes the place of a file.
 */
import {
  closeSync,
  existsSync,
  fsyncSync,
  ftruncateSync,
  linkSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
} from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { FileTaken } from "./failure.ts";
import { syncDirectory } from "./store.ts";

const UNFINISHED = ".unfinished";
/** Of file systems that know no second name for a file. */
const NO_LINKS: ReadonlySet<string> = new Set(["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS"]);

export class FilePlace {
  readonly fd: number;
  private readonly path: string;
  private readonly draft: string;
  private readonly force: boolean;

  /** Throws FileTaken. */
  constructor(path: string, force: boolean) {
    this.path = resolve(path);
    this.force = force;
    if (!force && existsSync(this.path)) throw taken(path);
    removeLeftovers(this.path);
    this.draft = `${this.path}.${process.pid}${UNFINISHED}`;
    this.fd = openSync(this.draft, "wx+", 0o600);
  }

  /** Begins anew. */
  empty(): void {
    ftruncateSync(this.fd, 0);
  }

  /** Puts it in its place, synced. */
  finish(): void {
    fsyncSync(this.fd);
    closeSync(this.fd);
    if (this.force) renameSync(this.draft, this.path);
    else this.link();
    syncDirectory(dirname(this.path));
  }

  private link(): void {
    try {
      linkSync(this.draft, this.path);
      rmSync(this.draft);
    } catch (cause) {
      const { code = "" } = cause as NodeJS.ErrnoException;
      if (code === "EEXIST" || existsSync(this.path)) throw taken(this.path);
      if (!NO_LINKS.has(code)) throw cause;
      renameSync(this.draft, this.path);
    }
  }

  /** Leaves nothing. */
  abandon(): void {
    rmSync(this.draft, { force: true });
  }
}

function taken(path: string): FileTaken {
  return new FileTaken(`${path} is there already`);
}

function removeLeftovers(path: string): void {
  const folder = dirname(path);
  const prefix = `${basename(path)}.`;
  for (const name of readdirSync(folder)) {
    if (!name.startsWith(prefix) || !name.endsWith(UNFINISHED)) continue;
    const pid = name.slice(prefix.length, -UNFINISHED.length);
    if (/^\d+$/.test(pid) && !lives(Number(pid))) rmSync(join(folder, name), { force: true });
  }
}

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
