/** Somebody at a pseudo-terminal, who types and waits for what shows. */
import { atEnd, COMMAND } from "./server-process.ts";

/** A person at a pseudo-terminal. */
export class Typist {
  screen = "";
  private seen = 0;
  readonly process: Bun.Subprocess;
  private readonly waiting = new Set<() => void>();

  constructor(args: readonly string[], cwd: string, columns = 100) {
    const decoder = new TextDecoder();
    const environment = Object.entries(process.env).filter(
      // The test runner's word to end with one's parent is for it, not for what is tested.
      ([name]) => !name.startsWith("HOLDFAST_") && name !== "BUN_FEATURE_FLAG_NO_ORPHANS",
    );
    this.process = Bun.spawn([...COMMAND, ...args], {
      cwd,
      env: { ...Object.fromEntries(environment), TERM: "xterm", NO_COLOR: "1" },
      terminal: {
        cols: columns,
        rows: 40,
        data: (_terminal, bytes) => {
          this.screen += decoder.decode(bytes, { stream: true });
          for (const look of this.waiting) look();
        },
      },
    });
    atEnd(() => {
      this.process.kill("SIGKILL");
      return this.process.exited;
    });
    void this.process.exited.then(() => {
      for (const look of this.waiting) look();
    });
  }

  /** Waits for text after what was waited for last. Throws when the command ends without it. */
  async sees(text: string): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const look = () => {
        const at = this.screen.indexOf(text, this.seen);
        if (at >= 0) {
          this.seen = at + text.length;
          this.waiting.delete(look);
          resolve();
        } else if (this.process.exitCode !== null) {
          this.waiting.delete(look);
          reject(new Error(`ended without ${JSON.stringify(text)}:\n${this.screen}`));
        }
      };
      this.waiting.add(look);
      look();
    });
  }

  types(text: string): void {
    this.process.terminal?.write(text);
  }

  async leaves(): Promise<number> {
    this.types("\x03");
    return await this.process.exited;
  }
}
