/** The terminal that this process has. */
import { env, writeAll } from "./io.ts";
import { coloursOf } from "./paint.ts";
import type { Tty } from "./screen.ts";

export function realTty(): Tty {
  const { stdin, stdout } = process;
  return {
    get columns() {
      return stdout.columns || 80;
    },
    colours: coloursOf(env, true),
    write: (text) => writeAll(1, text),
    raw(on) {
      stdin.setRawMode(on);
      if (on) stdin.resume();
      else stdin.pause();
    },
    onInput: (listener) => void stdin.on("data", listener),
    onResize: (listener) => void stdout.on("resize", listener),
    later: (run) => void setTimeout(run, 0),
  };
}
