/**
 * What a round's clients and its rig wrote down, one JSON object a line, and nothing else: the judge reads no
 * memory of anybody. Each client writes a file of its own (the Python client writes the same lines), the rig
 * another one. Times are wall ms of this machine, whose clock no fault touches; see {@link BLUR_MS}.
 */
import { appendFileSync } from "node:fs";

/** Clocks of two processes of this machine agree so well: what is closer than this has no order. */
export const BLUR_MS = 25;

/** A message as it was shown. Its text: its writer's name, its number there (or `edited N`), a word of its own. */
export type Shown = {
  readonly id: string;
  readonly conversation: string;
  readonly text: string;
  readonly position: string;
  readonly deleted?: boolean;
  readonly late?: boolean;
};

/** What a request is to bring about. */
export type Wish =
  | { readonly op: "post"; readonly text: string }
  | { readonly op: "edit"; readonly message: string; readonly text: string }
  | { readonly op: "delete"; readonly message: string }
  /** A channel of this name is made. */
  | { readonly op: "channel"; readonly name: string };

export type ClientLine =
  /** An attempt leaves. The SDK repeats by itself: of it there is one attempt. */
  | { readonly is: "tried"; readonly at: number; readonly id: string; readonly wish: Wish }
  /** The oldest attempt with this id that had no outcome has one. */
  | ({ readonly is: "told"; readonly at: number; readonly id: string } & Outcome)
  /** Attempts with this id that have no outcome will get none: their connection is gone. */
  | { readonly is: "broken"; readonly at: number; readonly id: string }
  /** The receipt of an own message grew. */
  | {
      readonly is: "held";
      readonly at: number;
      readonly message: string;
      readonly held: readonly string[];
    }
  /** By an event; `posted` for a new one, else it changed. */
  | {
      readonly is: "shown";
      readonly at: number;
      readonly posted: boolean;
      readonly message: Shown;
    }
  /** What was shown counts for nothing now; a whole reading follows. */
  | { readonly is: "reset"; readonly at: number }
  /** The newest page, or everything there is (`whole`). */
  | {
      readonly is: "read";
      readonly begun: number;
      readonly at: number;
      readonly whole: boolean;
      readonly messages: readonly Shown[];
    };

export type Outcome =
  | {
      readonly outcome: "done";
      readonly held: readonly string[];
      readonly message?: Shown;
      /** Of the channel that was made. */
      readonly channel?: string;
    }
  /** A definite no to this attempt. */
  | { readonly outcome: "refused"; readonly code: string }
  | { readonly outcome: "unknown" };

export type RigLine =
  | { readonly is: "round"; readonly conversation: string; readonly raced: string | null }
  /** The disk of a server is gone for good. */
  | { readonly is: "disk lost"; readonly at: number; readonly server: string }
  /** It holds what it held at a moment: between `from` and `to`. */
  | {
      readonly is: "disk put back";
      readonly at: number;
      readonly server: string;
      readonly asOf: number;
    }
  /** From one moment to the other every server had all others in sync, and no fault was there. */
  | { readonly is: "calm"; readonly from: number; readonly to: number }
  /** It was started, and nothing keeps it from the others. */
  | { readonly is: "returned"; readonly at: number; readonly server: string }
  /** All that one server shows of the round's channel, asked of it alone. */
  | {
      readonly is: "reading";
      readonly server: string;
      readonly begun: number;
      readonly at: number;
      /** Faults are over, everything is settled. */
      readonly final: boolean;
      readonly messages: readonly Shown[];
    }
  /** The channels that one server lists for the raced name, at the end. */
  | {
      readonly is: "channels";
      readonly server: string;
      readonly channels: readonly { readonly id: string; readonly name: string }[];
    }
  | { readonly is: "struck" | "mended"; readonly at: number; readonly what: string };

export type ClientHistory = {
  readonly client: string;
  readonly lines: readonly ClientLine[];
};

export type RoundHistory = {
  readonly clients: readonly ClientHistory[];
  readonly rig: readonly RigLine[];
};

export function nowMs(): number {
  return performance.timeOrigin + performance.now();
}

/** Lines go to the file at once: what is killed has written them. */
export class HistoryFile<Line extends ClientLine | RigLine> {
  private readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  write(line: Line): void {
    appendFileSync(this.path, `${JSON.stringify(line)}\n`);
  }
}

export async function readLines<Line>(path: string): Promise<Line[]> {
  const text = await Bun.file(path).text();
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Line);
}
