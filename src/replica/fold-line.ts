/**
 * What is durable and not folded yet: more than nothing only while the view finds no room on the disk. What was
 * stored is kept, its senders hear so or `indefinite`, and nothing new is minted meanwhile.
 */
import { NoRoom } from "../core/errors.ts";
import type { Clock, Commit, Folded, Timer, View } from "./ports.ts";

const FOLD_RETRY_MS = 500;

type Parts = {
  readonly clock: Clock;
  readonly view: View;
  readonly publish: (commit: Commit, folded: readonly Folded[]) => void;
  /** It has folded what it could. */
  readonly settled: () => void;
};

export class FoldLine {
  private readonly parts: Parts;
  private readonly waiting: Commit[] = [];
  private retry: Timer | null = null;

  constructor(parts: Parts) {
    this.parts = parts;
  }

  get isEmpty(): boolean {
    return this.waiting.length === 0;
  }

  add(commit: Commit): void {
    this.waiting.push(commit);
    if (this.retry === null) this.fold();
  }

  private fold(): void {
    const { view, clock, publish, settled } = this.parts;
    for (let commit = this.waiting[0]; commit !== undefined; commit = this.waiting[0]) {
      let folded: Folded[];
      try {
        folded = view.fold(commit.ops);
      } catch (error) {
        if (!(error instanceof NoRoom)) throw error;
        this.retry = clock.schedule(FOLD_RETRY_MS, () => {
          this.retry = null;
          this.fold();
        });
        break;
      }
      this.waiting.shift();
      publish(commit, folded);
    }
    settled();
  }

  stop(): void {
    this.retry?.cancel();
  }
}
