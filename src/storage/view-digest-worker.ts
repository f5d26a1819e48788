/** The thread that reads ranges of view and log for their digests. */
import type { RangeAsk, RangeDigest } from "../core/view-range.ts";
import { storageFailure } from "./failure.ts";
import { digestRange, type Paths } from "./view-digest.ts";

export type DigestWork = { readonly paths: Paths; readonly ask: RangeAsk };
export type DigestDone = { readonly range: RangeDigest } | { readonly problem: string };

declare const self: {
  onmessage: ((event: { data: DigestWork }) => void) | null;
  postMessage(message: DigestDone): void;
};

self.onmessage = ({ data: { paths, ask } }) => {
  try {
    self.postMessage({ range: digestRange(paths, ask) });
  } catch (cause) {
    self.postMessage({ problem: storageFailure("read the view", cause).message });
  }
};
