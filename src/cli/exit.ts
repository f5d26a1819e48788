/** How a command ends, as an exit code that scripts can rely on. */
import { HoldfastError } from "../client/index.ts";
import { printable, safeJson } from "./printable.ts";

export const EXIT = {
  done: 0,
  /** A server refused: its code is on standard error. */
  refused: 1,
  /** Wrong usage, or this machine's own files. */
  usage: 2,
  /** No server could be reached, or none answered. */
  unreachable: 3,
  /** It is not known whether it was done: repeat it with the same --id. */
  indefinite: 4,
} as const;

export const EXIT_HELP = `
Exit codes: 0 done; 1 refused, the code is on standard error; 2 wrong usage; 3 no server can be
reached; 4 indefinite: it is not known whether it was done (send can be repeated with the same --id).`;

/** The command line cannot be carried out as it stands. */
export class UsageError extends Error {
  override name = "UsageError";
}

/** Files or terminal of this machine. */
export class LocalError extends Error {
  override name = "LocalError";
}

/** Nobody answered. */
export class Unreachable extends Error {
  override name = "Unreachable";
}

export type Ended = { readonly exit: number; readonly code: string; readonly message: string };

/** Throws what is none of the known kinds: a defect. */
export function endOf(error: unknown): Ended {
  if (error instanceof UsageError || error instanceof LocalError) {
    return { exit: EXIT.usage, code: "usage", message: error.message };
  }
  if (error instanceof Unreachable) {
    return { exit: EXIT.unreachable, code: "unreachable", message: error.message };
  }
  if (error instanceof HoldfastError) {
    const again = error.requestId === undefined ? "" : ` (id ${error.requestId})`;
    const indefinite = error.code === "indefinite";
    return {
      exit: indefinite ? EXIT.indefinite : EXIT.refused,
      code: error.code,
      message: indefinite ? `${error.message}${again}` : error.message,
    };
  }
  throw error;
}

/** The line for standard error. With `json` it has the shape of the protocol's errors. */
export function errorLine({ code, message }: Ended, json: boolean): string {
  if (json) return safeJson({ error: { message, data: { code } } });
  return `holdfast: ${code}: ${printable(message)}`;
}
