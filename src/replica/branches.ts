/**
 * Branches of an incarnation: noticed, told, and put right in this log.
 *
 * A split moves ops that are durable to another name, so it waits until nothing of that name is on its way to
 * the disk; meanwhile nothing more of it is taken. See docs/decisions/0017.
 */
import { branchName, isBranch, plainOrigin } from "../core/branch.ts";
import type { Incarnation } from "../core/ids.ts";
import type { Ingest } from "./ingest.ts";
import type { Minter } from "./minter.ts";
import type { Log, Split } from "./ports.ts";

type Parts = {
  readonly log: Log;
  readonly minter: Minter;
  readonly ingest: Ingest;
  /** What an operator should know. */
  readonly tell: (message: string) => void;
};

export class Branches {
  /** Incarnations of which there are several branches, as far as this server knows. */
  readonly known = new Set<Incarnation>();
  private readonly parts: Parts;
  private readonly waiting = new Map<Incarnation, Split>();
  /** The log is at it. */
  private readonly asked = new Set<Incarnation>();

  constructor(parts: Parts) {
    this.parts = parts;
    for (const origin of parts.log.vector().keys()) {
      if (isBranch(origin)) this.known.add(plainOrigin(origin));
    }
  }

  /** A server holds other ops than this one under the numbers of an origin. */
  noticed(origin: Incarnation, server: string): void {
    const { minter, tell } = this.parts;
    if (origin === minter.current) minter.beginAnew();
    const isNew = !this.known.has(plainOrigin(origin));
    this.known.add(plainOrigin(origin));
    if (!isNew) return;
    const cause = "a memory snapshot was started twice, or ops of a salvaged store came";
    tell(`server ${server} holds another branch of ${origin}: ${cause}; all of it is kept`);
  }

  /** The fork is found, and it is for this server to give its own branch another name. */
  split(split: Split): void {
    const { origin } = split;
    if (origin === this.parts.minter.current) this.parts.minter.beginAnew();
    if (this.asked.has(origin)) return;
    if (!this.waiting.has(origin)) this.waiting.set(origin, split);
    this.durable();
  }

  /** Something became durable: what waits for it is asked of the log. */
  durable(): void {
    const { log, minter, ingest } = this.parts;
    for (const [origin, split] of this.waiting) {
      const seq = log.vector().get(origin)?.seq ?? 0;
      if (!ingest.freeze(origin) || seq < minter.mintedUpTo(origin)) continue;
      this.waiting.delete(origin);
      if (this.isStill(split)) {
        this.asked.add(origin);
        log.split(split);
      } else {
        ingest.thaw(origin);
      }
    }
  }

  /** What was asked for twice, and done once, is not to be done to what has its name now. */
  private isStill({ origin, afterSeq, branch }: Split): boolean {
    const chain = this.parts.log.chainAt(origin, afterSeq + 1);
    return chain !== null && branchName(origin, chain) === branch;
  }

  /** It is on disk. */
  done({ origin }: Split): void {
    this.asked.delete(origin);
    this.waiting.delete(origin);
    this.parts.ingest.thaw(origin);
  }
}
