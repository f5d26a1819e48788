/** The one call of `resume` that waits for its outcome. */
import { HoldfastError } from "./error.ts";
import type { Clock } from "./ports.ts";
import type { Result } from "./table.ts";

type Resumed = Result<"session.resume">;

export class Resuming {
  private tell: ((outcome: Resumed | HoldfastError) => void) | undefined;

  wait(clock: Clock, ms: number): Promise<Resumed> {
    return new Promise((resolve, reject) => {
      const cancel = clock.schedule(ms, () => {
        const what = "no server could be reached; it goes on trying";
        this.told(new HoldfastError("unavailable", what));
      });
      this.tell = (outcome) => {
        cancel();
        if (outcome instanceof HoldfastError) reject(outcome);
        else resolve(outcome);
      };
    });
  }

  told(outcome: Resumed | HoldfastError): void {
    const { tell } = this;
    this.tell = undefined;
    tell?.(outcome);
  }
}
