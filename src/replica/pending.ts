/**
 * What was minted and is not folded yet. Requests that depend on it wait for it, so that each is judged
 * against the view plus everything minted: two requests of one batch see each other.
 */
import type { AccountId, RequestId } from "../core/ids.ts";
import type { Op } from "../core/op.ts";
import type { Subject } from "../core/view.ts";

/** A subject, or a name that an op is about to claim, as text. */
export type PendingKey = string;

export function subjectKey(subject: Pick<Subject, "table" | "key">): PendingKey {
  return `${subject.table} ${subject.key}`;
}

export type PendingOp = {
  readonly op: Op;
  readonly keys: readonly PendingKey[];
  readonly bytes: number;
};

export class PendingOps {
  private readonly byEffect = new Map<string, PendingOp>();
  private readonly keys = new Map<PendingKey, number>();
  private waiters: (() => void)[] = [];
  bytes = 0;

  get size(): number {
    return this.byEffect.size;
  }

  get(author: AccountId, id: RequestId): PendingOp | undefined {
    return this.byEffect.get(author + id);
  }

  add(op: Op, keys: readonly PendingKey[]): void {
    const bytes = op.bytes.length + (op.body?.length ?? 0);
    this.byEffect.set(op.author + op.id, { op, keys, bytes });
    for (const key of keys) this.keys.set(key, (this.keys.get(key) ?? 0) + 1);
    this.bytes += bytes;
  }

  /** The op is folded. */
  remove(op: Op): void {
    const effect = op.author + op.id;
    const pending = this.byEffect.get(effect);
    if (pending === undefined) return;
    this.byEffect.delete(effect);
    this.bytes -= pending.bytes;
    for (const key of pending.keys) {
      const count = (this.keys.get(key) as number) - 1;
      if (count === 0) this.keys.delete(key);
      else this.keys.set(key, count);
    }
  }

  touches(keys: readonly PendingKey[]): boolean {
    if (this.keys.size === 0) return false;
    return keys.some((key) => this.keys.has(key));
  }

  /** How many of those minted and not folded change this. */
  count(key: PendingKey): number {
    return this.keys.get(key) ?? 0;
  }

  /** Resolves after the next batch is folded; those who wait go on in the order in which they came. */
  nextFold(): Promise<void> {
    return new Promise((resolve) => this.waiters.push(resolve));
  }

  wake(): void {
    const waiters = this.waiters;
    this.waiters = [];
    for (const resolve of waiters) resolve();
  }
}
