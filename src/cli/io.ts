/**
 * Standard input and output of one-shot commands.
 *
 * Output is written synchronously: a reader that is slow holds the command back instead of filling its
 * memory, and nothing is lost when it exits. A reader that is gone ends it quietly, as `head` expects.
 */
import { writeSync } from "node:fs";
import { LocalError, UsageError } from "./exit.ts";
import { KeyDecoder } from "./keys.ts";
import { EMPTY, type Line, press } from "./line-editor.ts";
import { printable } from "./printable.ts";

export const env = process.env;

const pause = new Int32Array(new SharedArrayBuffer(4));

/** Writes all of it, however slow the reader. Exits if there is none any more. */
export function writeAll(fd: number, text: string): void {
  const bytes = new TextEncoder().encode(text);
  let at = 0;
  while (at < bytes.length) {
    try {
      at += writeSync(fd, bytes, at);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "EAGAIN") Atomics.wait(pause, 0, 0, 5);
      else if (code === "EPIPE" || code === "EIO") process.exit(0);
      else throw error;
    }
  }
}

export const out = (line: string): void => writeAll(1, `${line}\n`);
export const err = (line: string): void => writeAll(2, `${line}\n`);

export const stdinIsTerminal = (): boolean => process.stdin.isTTY === true;
export const stdoutIsTerminal = (): boolean => process.stdout.isTTY === true;

/** Columns of the terminal, or plenty where there is none. */
export const outputWidth = (): number =>
  stdoutIsTerminal() ? Math.max(20, process.stdout.columns ?? 80) : 100_000;

/** All of standard input, as UTF-8; throws UsageError if it is none or longer than `bytesMax`. */
export async function readStdin(bytesMax: number): Promise<string> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of process.stdin) {
    size += piece.length;
    if (size > bytesMax) throw new UsageError(`standard input is longer than ${bytesMax} bytes`);
    pieces.push(piece);
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(Buffer.concat(pieces));
  } catch {
    throw new UsageError("standard input is not UTF-8");
  }
}

/** Lines of standard input as they come; the last one also without an end. */
export async function* stdinLines(bytesMax: number): AsyncGenerator<string> {
  const utf8 = new TextDecoder();
  let rest = "";
  for await (const piece of process.stdin) {
    rest += utf8.decode(piece, { stream: true });
    for (;;) {
      const end = rest.indexOf("\n");
      if (end < 0) break;
      yield rest.slice(0, end).replace(/\r$/, "");
      rest = rest.slice(end + 1);
    }
    if (rest.length > bytesMax) throw new UsageError(`a line is longer than ${bytesMax} bytes`);
  }
  rest += utf8.decode();
  if (rest !== "") yield rest.replace(/\r$/, "");
}

/**
 * Asks on the terminal; the question goes to standard error, so that output can be piped. Throws LocalError
 * where there is no terminal, or when the person leaves by Ctrl+C.
 */
export async function ask(question: string, hidden: boolean): Promise<string> {
  if (!stdinIsTerminal()) throw new LocalError("there is no terminal to ask on");
  const { stdin } = process;
  writeAll(2, printable(question));
  stdin.setRawMode(true);
  stdin.resume();
  try {
    return await new Promise<string>((resolve, reject) => {
      const decoder = new KeyDecoder();
      let line: Line = EMPTY;
      const heard = (bytes: Uint8Array) => {
        for (const key of decoder.decode(bytes)) {
          const before = line.characters.length;
          const pressed = press(line, key, false);
          ({ line } = pressed);
          const { outcome } = pressed;
          if (outcome.kind === "line") {
            stdin.off("data", heard);
            resolve(outcome.text);
            return;
          }
          if (outcome.kind === "interrupt" || outcome.kind === "end") {
            stdin.off("data", heard);
            reject(new LocalError("left without an answer"));
            return;
          }
          if (!hidden) writeAll(2, echo(key, before, line));
        }
      };
      stdin.on("data", heard);
    });
  } finally {
    stdin.setRawMode(false);
    stdin.pause();
    writeAll(2, "\r\n");
  }
}

/** Typed at the end only: questions are short. */
function echo(key: ReturnType<KeyDecoder["decode"]>[number], before: number, line: Line): string {
  if (key.kind !== "key") return printable(key.text);
  return key.name === "backspace" && line.characters.length < before ? "\b \b" : "";
}
