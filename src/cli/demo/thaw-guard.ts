/**
 * Thaws servers whose demo was killed, so that they notice and stop.
 *
 * Problem: a server that hears that its demo is gone stops by itself, but one that is frozen hears nothing, and who is
 * killed by SIGKILL cannot thaw it first. Approach: a shell in a session of its own reads from a pipe which
 * processes there are; when the pipe ends without a word it lets them go on. Rejected: SIGKILL on the death of the parent
 * (Linux only, and the servers would not stop in good order); a process of this program (50 MB to wait for nothing).
 */
const SCRIPT = 'while read -r now; do pids=$now; done; [ -z "$pids" ] || kill -CONT $pids';

export class ThawGuard {
  private shell: Bun.Subprocess<"pipe", "ignore", "ignore"> | null = null;

  constructor() {
    try {
      this.shell = Bun.spawn(["/bin/sh", "-c", SCRIPT], {
        stdin: "pipe",
        stdout: "ignore",
        stderr: "ignore",
        detached: true,
      });
      this.shell.unref();
    } catch {
      this.shell = null; // no shell there: what is frozen has to be thawed by hand
    }
  }

  /** These processes are there now, and no others. */
  watch(pids: readonly number[]): void {
    void this.say((pipe) => {
      pipe.write(`${pids.join(" ")}\n`);
      return pipe.flush();
    });
  }

  /** Nothing is left to be thawed. */
  end(): void {
    this.watch([]);
    void this.say((pipe) => pipe.end());
    this.shell = null;
  }

  /** Where somebody killed the shell there is nobody to say it to. */
  private async say(act: (pipe: Bun.FileSink) => number | Promise<number>): Promise<void> {
    if (this.shell === null) return;
    try {
      await act(this.shell.stdin);
    } catch {
      this.shell = null;
    }
  }
}
