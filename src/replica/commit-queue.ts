/**
 * Group commit: what was minted here and what peers sent wait here and go to the log in batches.
 *
 * Problem: a server that takes over a million ops of others must not make those who write here wait. Approach:
 * two queues and batches that take from both; own ops first, but where both wait neither gets more than its
 * half. Rejected: one queue (a catch-up of 4 MiB stands before every message).
 *
 * Invariants: 1. Ops of one origin go to the log in the order in which they came. 2. A bounded number of batches
 * is on its way.
 */
import { COMMIT_BYTES_MAX, COMMIT_OPS_MAX } from "../core/limits.ts";
import type { Op } from "../core/op.ts";
import type { Clock, Log, Timer } from "./ports.ts";

const COMMITS_IN_FLIGHT_MAX = 2;

type Parts = {
  readonly clock: Clock;
  readonly log: Log;
  readonly probe?: (point: "before_append") => void;
};

export class CommitQueue {
  private readonly parts: Parts;
  private readonly own: Op[] = [];
  private readonly foreign: Op[] = [];
  private foreignBytes = 0;
  private timer: Timer | null = null;
  /** Handed to the log and not durable. */
  inFlight = 0;

  constructor(parts: Parts) {
    this.parts = parts;
  }

  /** Ops of others that wait, bytes. */
  get waitingBytes(): number {
    return this.foreignBytes;
  }

  add(op: Op): void {
    this.own.push(op);
    this.soon();
  }

  addForeign(ops: readonly Op[]): void {
    for (const op of ops) {
      this.foreign.push(op);
      this.foreignBytes += bytesOf(op);
    }
    this.soon();
  }

  private soon(): void {
    this.timer ??= this.parts.clock.schedule(0, () => {
      this.timer = null;
      this.flush();
    });
  }

  /** What waits is given up. */
  stop(): void {
    this.timer?.cancel();
  }

  /** A batch is durable. */
  done(): void {
    this.inFlight--;
    this.flush();
  }

  private flush(): void {
    while (this.own.length + this.foreign.length > 0 && this.inFlight < COMMITS_IN_FLIGHT_MAX) {
      const batch = this.nextBatch();
      this.inFlight++;
      this.parts.probe?.("before_append");
      this.parts.log.append(batch);
    }
  }

  private nextBatch(): Op[] {
    const share = this.foreign.length > 0 && this.own.length > 0 ? 0.5 : 1;
    const own = take(this.own, COMMIT_OPS_MAX * share, COMMIT_BYTES_MAX * share);
    if (this.foreign.length === 0) return own.ops;
    const opsLeft = COMMIT_OPS_MAX - own.ops.length;
    const foreign = take(this.foreign, opsLeft, COMMIT_BYTES_MAX - own.bytes);
    this.foreignBytes -= foreign.bytes;
    return own.ops.length === 0 ? foreign.ops : [...own.ops, ...foreign.ops];
  }
}

function bytesOf(op: Op): number {
  return op.bytes.length + (op.body?.length ?? 0);
}

/** Takes off the front of a queue: one op at least, then as many as fit. */
function take(queue: Op[], opsMax: number, bytesMax: number): { ops: Op[]; bytes: number } {
  let count = 0;
  let bytes = 0;
  for (const op of queue) {
    const more = bytes + bytesOf(op);
    if (count > 0 && (count >= opsMax || more > bytesMax)) break;
    bytes = more;
    count++;
  }
  return { ops: queue.splice(0, count), bytes };
}
