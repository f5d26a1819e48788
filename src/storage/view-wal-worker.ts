/**
 * Checkpoints of the view: moves its write-ahead log into the database, and empties it after erasures, so
 * that erased words leave it too. Not on the event loop, because it waits for the disk; not in the log's
 * worker, because no commit of the log should wait for that either.
 *
 * A passive checkpoint never holds up the fold, but it does not catch up with one that never rests, and
 * SQLite begins the write-ahead log anew only when it was moved whole. So what is left after it is moved
 * under the writer's lock once the file has grown past its bound: a few pages, for which the fold waits.
 */
import { Database } from "bun:sqlite";
import { statSync } from "node:fs";
import { hasRoomForWal, LOG_PAGE_BYTES, WAL_PAGES_MAX } from "./log-file.ts";

/** `empty`: what was erased must leave the file now. */
export type ViewWalWork = { readonly path: string; readonly empty: boolean };
export type ViewWalDone = { readonly done: boolean };

declare const self: {
  onmessage: ((event: { data: ViewWalWork }) => void) | null;
  postMessage(message: ViewWalDone): void;
};

const CHECKPOINT_BYTES = WAL_PAGES_MAX * LOG_PAGE_BYTES;
/** The file itself never grows much past this. */
const RESTART_BYTES = 16 * CHECKPOINT_BYTES;
const WRITER_WAIT_MS = 1_000;

/** False if the fold, a reader or a full disk was in the way of what had to be done. */
function work({ path, empty }: ViewWalWork): boolean {
  const bytes = statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0;
  if (!empty && bytes < CHECKPOINT_BYTES) return true;
  const view = new Database(path, { readwrite: true, create: false });
  try {
    view.run(`PRAGMA busy_timeout = ${WRITER_WAIT_MS}`);
    view.run("PRAGMA synchronous = NORMAL");
    if (!hasRoomForWal(view, path)) return false;
    view.query("PRAGMA wal_checkpoint(PASSIVE)").get();
    if (!empty && bytes < RESTART_BYTES) return true;
    const mode = empty ? "TRUNCATE" : "RESTART";
    return view.query<{ busy: number }, []>(`PRAGMA wal_checkpoint(${mode})`).get()?.busy === 0;
  } finally {
    view.close();
  }
}

self.onmessage = ({ data }) => {
  let done = false;
  try {
    done = work(data);
  } catch {
    // Tried again: the view is disposable, and what is wrong with the disk the log finds out.
  }
  self.postMessage({ done });
};
