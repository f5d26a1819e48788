/** A log whose commits can be held back, and whose disk can be said to be full. */
import type { Op } from "../src/core/op.ts";
import type { Log, LogListener } from "../src/replica/ports.ts";

export class Gate {
  private log: Log | null = null;
  private listener: LogListener | null = null;
  private held: (readonly Op[])[] | null = null;

  /** For `TestServer.start({ wrapLog })`. */
  readonly wrap = (log: Log): Log => {
    this.log = log;
    return new Proxy(log, {
      get: (target, key) => {
        if (key === "append") return (ops: readonly Op[]) => this.append(ops);
        if (key === "listen") return (listener: LogListener) => this.listen(listener);
        const value: unknown = Reflect.get(target, key, target);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  };

  private append(ops: readonly Op[]): void {
    if (this.held === null) this.log?.append(ops);
    else this.held.push(ops);
  }

  private listen(listener: LogListener): void {
    this.listener = listener;
    // What the real disk has free is not what these tests are about.
    this.log?.listen({ ...bound(listener), space: () => {} });
  }

  /** From now on nothing becomes durable. */
  hold(): void {
    this.held ??= [];
  }

  release(): void {
    const held = this.held ?? [];
    this.held = null;
    for (const ops of held) this.log?.append(ops);
  }

  freeSpace(bytes: number, reserve: number): void {
    this.listener?.space(bytes, reserve);
  }
}

function bound(listener: LogListener): LogListener {
  return {
    durable: (commit) => listener.durable(commit),
    erased: (ns) => listener.erased(ns),
    space: (free, reserve) => listener.space(free, reserve),
    failed: (error) => listener.failed(error),
  };
}
