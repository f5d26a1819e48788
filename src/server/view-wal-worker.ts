/**
 * Empties the view's write-ahead log after erasures, so that erased words leave it too. Not on the event
 * loop, because it waits for the disk.
 */
import { Database } from "bun:sqlite";

declare const self: {
  onmessage: ((event: { data: string }) => void) | null;
  postMessage(emptied: boolean): void;
};

/** Most of it without holding up the fold; only the rest, and the cut itself, under the writer's lock. */
function empty(path: string): boolean {
  const view = new Database(path, { readwrite: true, create: false });
  try {
    view.run("PRAGMA busy_timeout = 1000");
    view.run("PRAGMA synchronous = NORMAL");
    view.query("PRAGMA wal_checkpoint(PASSIVE)").get();
    const result = view.query<{ busy: number }, []>("PRAGMA wal_checkpoint(TRUNCATE)").get();
    return result?.busy === 0;
  } finally {
    view.close();
  }
}

self.onmessage = ({ data: path }) => {
  let emptied = false;
  try {
    emptied = empty(path);
  } catch {
    // Tried again: the view is disposable, and what is wrong with the disk the log finds out.
  }
  self.postMessage(emptied);
};
