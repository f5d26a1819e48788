/** `holdfast export` below the command: whose data it is, where it goes, line by line. */
import { writeSync } from "node:fs";
import { join, resolve } from "node:path";
import manifest from "../../package.json" with { type: "json" };
import { utf8 } from "../core/bytes.ts";
import { lockUnlessRunning } from "../storage/backup.ts";
import { FilePlace } from "../storage/backup-place.ts";
import { EXPORT_FORMAT, exportRunning, exportStopped } from "../storage/export.ts";
import { StorageError } from "../storage/failure.ts";
import { StoppedStore } from "../storage/stopped-store.ts";
import { identityOf, LOG_FILE, VIEW_FILE } from "../storage/store-look.ts";
import { storageRefusal } from "./exit-codes.ts";

const WRITE_BYTES = 64 * 1024;

type Progress = (doing: string, done: number, total: number) => void;

export type Exporting = {
  readonly data: string;
  /** null: to `write`. */
  readonly file: string | null;
  readonly force: boolean;
  readonly made: string;
  /** Where lines go without a file; may wait for a slow reader. */
  readonly write: (text: string) => void;
  readonly onProgress?: Progress;
};

/** Writes all that may be exported, one JSON value a line; how many lines. Throws StartError. */
export async function exportFrom(exporting: Exporting): Promise<number> {
  const { file, force, data } = exporting;
  try {
    if (file === null) return await exportTo(exporting, exporting.write);
    const place = new FilePlace(file, force);
    try {
      const lines = await exportTo(exporting, (text) => writeWhole(place.fd, utf8(text)));
      place.finish();
      return lines;
    } finally {
      place.abandon();
    }
  } catch (error) {
    throw storageRefusal(error, `no export of ${data}`, {
      disk_failed: "is the disk full, or failing?",
      not_a_store: "give the server's data directory by --data DIR",
    });
  }
}

function writeWhole(fd: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done);
}

async function exportTo(exporting: Exporting, write: (text: string) => void): Promise<number> {
  const directory = resolve(exporting.data);
  const identity = identityOf(directory);
  if (identity === null) {
    throw new StorageError("not_a_store", `${directory} holds no data of a server`);
  }
  const { clusterId: cluster, server } = identity;
  const lines = new Lines(write, exporting.onProgress);
  const about = { made: exporting.made, release: manifest.version, cluster, server };
  const head = { type: "export", format: EXPORT_FORMAT, ...about };
  const all = (values: Iterable<object>) => {
    let isFirst = true;
    for (const value of values) {
      lines.put(isFirst ? { ...head, ...value } : value);
      isFirst = false;
    }
  };
  const lock = lockUnlessRunning(directory);
  if (lock === null) {
    const [viewPath, logPath] = [join(directory, VIEW_FILE), join(directory, LOG_FILE)];
    all(exportRunning({ viewPath, logPath }));
  } else {
    lock.undo();
    const store = new StoppedStore(directory);
    try {
      await store.refolded(
        null,
        (view, log) => all(exportStopped(view, log)),
        exporting.onProgress,
      );
    } finally {
      store.close();
    }
  }
  return lines.end();
}

/** Collects lines, so that not each of them is a write. */
class Lines {
  private readonly write: (text: string) => void;
  private readonly onProgress: Progress | undefined;
  private waiting = "";
  private count = 0;

  constructor(write: (text: string) => void, onProgress: Progress | undefined) {
    this.write = write;
    this.onProgress = onProgress;
  }

  put(value: object): void {
    this.count++;
    this.waiting += `${JSON.stringify(value)}\n`;
    if (this.waiting.length >= WRITE_BYTES) this.flush();
  }

  private flush(): void {
    this.write(this.waiting);
    this.waiting = "";
    this.onProgress?.("exporting: lines", this.count, this.count);
  }

  /** Says that this was all of it. */
  end(): number {
    this.put({ type: "end", lines: this.count + 1 });
    this.flush();
    return this.count;
  }
}
