/**
 * A server that nobody told to stop does not end with 0.
 *
 * Problem: whoever started the server reads 0 as "stopped as asked". But a runtime that finds nothing left to
 * do ends with 0 as well, and so does any `process.exit()` in code that is not ours; neither says a word.
 * Approach: a handle of its own keeps the event loop from running empty, and the last thing that a process
 * does asks whether its end was announced: if not, it says so and has the exit status of a defect. Rejected:
 * `beforeExit` (not told of `process.exit`, and never comes while a module awaits something).
 */
import { writeSync } from "node:fs";
import { EXIT_CODES } from "./exit-codes.ts";

const STANDARD_ERROR = 2;
const HOLD_INTERVAL_MS = 24 * 60 * 60 * 1000;

export class ExitGuard {
  private readonly hold = setInterval(() => {}, HOLD_INTERVAL_MS);
  private isAnnounced = false;

  constructor() {
    process.on("exit", (code) => {
      if (this.isAnnounced) return;
      process.exitCode = EXIT_CODES.internal;
      sayAtEnd(
        `holdfast: a defect of Holdfast, please report it: it ended (${code}) without having been told to`,
      );
    });
  }

  /** It was told to end, or has said why it does. */
  announce(): void {
    this.isAnnounced = true;
    clearInterval(this.hold);
  }

  /** Ends the process, announced. */
  leave(code: number): never {
    this.announce();
    process.exit(code);
  }
}

function sayAtEnd(line: string): void {
  try {
    writeSync(STANDARD_ERROR, `${line}\n`);
  } catch {
    // Nobody listens: the exit status tells.
  }
}
