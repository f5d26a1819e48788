/**
 * A server that learns that it was removed: it hands over what only it has, and stops. The others take that
 * from it for a while (HAND_OVER_MS), and nothing afterwards; who was away learns it by the ops of its first
 * link. One that was let in again meanwhile learns that the same way, and stays.
 */
import { HAND_OVER_MS } from "../core/limits.ts";
import type { Clock } from "../replica/ports.ts";
import type { Replica } from "../replica/replica.ts";
import type { ServerLog } from "./log.ts";

/** Shorter than the others give: what they answer in their last moment is heard. */
const LEAVE_AFTER_MS = HAND_OVER_MS / 2;

/** What became of what only a removed server had. */
export type Left = {
  readonly isHandedOver: boolean;
  readonly words: string;
};

export type LeavingParts = {
  readonly name: string;
  readonly clock: Clock;
  readonly log: ServerLog;
  readonly replica: Replica;
  /** It may stop now. */
  readonly left: (left: Left) => void;
};

export class Leaving {
  private readonly parts: LeavingParts;
  private sinceMs: number | null = null;
  private isOver = false;

  constructor(parts: LeavingParts) {
    this.parts = parts;
  }

  /** Called again and again. */
  look(): void {
    const { name, clock, log, replica } = this.parts;
    if (this.isOver) return;
    if (!replica.members.isRemoved(name)) {
      if (this.sinceMs !== null) log.info({}, `server ${name} is a member of the cluster again`);
      this.sinceMs = null;
      return;
    }
    const nowMs = clock.monotonicMs();
    if (this.sinceMs === null) {
      log.warn({}, `server ${name} was removed from the cluster: it hands over what it has`);
      this.sinceMs = nowMs;
    }
    const left = this.judge(nowMs - this.sinceMs >= LEAVE_AFTER_MS);
    if (left === null) return;
    this.isOver = true;
    this.parts.left(left);
  }

  private judge(isLate: boolean): Left | null {
    const status = this.parts.replica.status();
    const linked = status.servers.filter(({ link, isRemoved }) => link === "live" && !isRemoved);
    const holders = linked.filter(({ unheldOps }) => unheldOps === 0).map(({ name }) => name);
    if (!status.isBehind && holders.length > 0 && holders.length === linked.length) {
      const words = `all that it had is held by ${holders.join(", ")}`;
      return { isHandedOver: true, words };
    }
    if (!isLate) return null;
    const words =
      linked.length === 0
        ? "no other server could be reached: what only it has stays here"
        : "not everything that it had could be handed over in time";
    return { isHandedOver: false, words };
  }
}
