/** One line on standard error that says how far a long command is; none where nobody watches. */
import { writeAll } from "./io.ts";
import { printable } from "./printable.ts";

const INTERVAL_MS = 200;
const CLEAR_LINE = "\r\u001b[2K";

export interface Progress {
  say(text: string): void;
  /** Takes the line away. */
  end(): void;
}

export function progressLine(): Progress {
  if (process.stderr.isTTY !== true) return { say: () => {}, end: () => {} };
  let saidMs = performance.now();
  let isShown = false;
  return {
    say(text) {
      const nowMs = performance.now();
      if (nowMs - saidMs < INTERVAL_MS) return;
      saidMs = nowMs;
      isShown = true;
      writeAll(2, CLEAR_LINE + printable(text));
    },
    end() {
      if (isShown) writeAll(2, CLEAR_LINE);
      isShown = false;
    },
  };
}
