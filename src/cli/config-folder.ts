/**
 * Small private files in the user's config folder.
 *
 * Problem: a session's token is a password, and a file half written when the machine dies is a lost outbox.
 * Approach: folders 0700, files 0600; every write goes to a file of its own, is synced and renamed over the
 * old one, and the folder is synced after; what others could read is closed and said, what belongs to somebody
 * else is refused. Rejected: one file for everything (two commands at once would overwrite each other).
 */
import {
  chmodSync,
  closeSync,
  fstatSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { LocalError } from "./exit.ts";

type Env = Record<string, string | undefined>;

/** Where it is: `HOLDFAST_CONFIG_DIR`, else `holdfast` in `XDG_CONFIG_HOME` or in `~/.config`. */
export function configPath(env: Env): string {
  const own = env.HOLDFAST_CONFIG_DIR;
  if (own) return own;
  const xdg = env.XDG_CONFIG_HOME;
  // The XDG Base Directory Specification has relative paths ignored.
  return join(xdg?.startsWith("/") ? xdg : join(env.HOME || homedir(), ".config"), "holdfast");
}

const modes = process.platform !== "win32";
let written = 0;

export class ConfigFolder {
  private readonly root: string;
  private readonly warn: (text: string) => void;

  /** `warn` hears what was mended. Nothing is made before something is written. */
  constructor(root: string, warn: (text: string) => void) {
    this.root = resolve(root);
    this.warn = warn;
  }

  /** `undefined` if there is no such file. Throws LocalError for one that must not be trusted. */
  read(name: string): string | undefined {
    const path = join(this.root, name);
    let file: number;
    try {
      file = openSync(path, "r");
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw new LocalError(`${path} can't be read: ${reason(error)}`);
    }
    try {
      this.guard(path, fstatSync(file), 0o600);
      return readFileSync(file, "utf8");
    } finally {
      closeSync(file);
    }
  }

  /** Returns once the file will be there after a crash. */
  write(name: string, text: string): void {
    const path = join(this.root, name);
    const draft = `${path}.${process.pid}-${++written}.new`;
    try {
      this.folder(dirname(path));
      const file = openSync(draft, "wx", 0o600);
      try {
        writeSync(file, text);
        fsyncSync(file);
      } finally {
        closeSync(file);
      }
      renameSync(draft, path);
      syncFolder(dirname(path));
    } catch (error) {
      rmSync(draft, { force: true });
      if (error instanceof LocalError) throw error;
      throw new LocalError(`${path} can't be written: ${reason(error)}`);
    }
  }

  remove(name: string): void {
    rmSync(join(this.root, name), { force: true });
  }

  /** Names in a folder of it, sorted; drafts of writes that were cut short are none. */
  list(folder: string): string[] {
    try {
      return readdirSync(join(this.root, folder))
        .filter((name) => !name.endsWith(".new"))
        .sort();
    } catch (error) {
      if (isMissing(error)) return [];
      throw new LocalError(`${join(this.root, folder)} can't be read: ${reason(error)}`);
    }
  }

  /** Makes a folder below the root, and the root, private. */
  private folder(path: string): void {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    for (let at = path; at.startsWith(this.root); at = dirname(at)) {
      this.guard(at, lstatSync(at), 0o700);
    }
  }

  private guard(path: string, found: { mode: number; uid: number }, wanted: number): void {
    if (!modes) return;
    const me = process.getuid?.();
    if (found.uid !== me && me !== 0) {
      throw new LocalError(`${path} belongs to another user: it is not used`);
    }
    if ((found.mode & 0o077) === 0) return;
    if ((found.mode & 0o002) !== 0 && wanted === 0o700) {
      throw new LocalError(`everybody may write to ${path}: choose a folder of your own`);
    }
    chmodSync(path, wanted);
    const mode = wanted.toString(8);
    this.warn(`others could get at ${path}: its mode is ${mode} now. Sign out if they may have.`);
  }
}

function syncFolder(path: string): void {
  if (!modes) return;
  const folder = openSync(path, "r");
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

function isMissing(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === "ENOENT" || code === "ENOTDIR";
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
