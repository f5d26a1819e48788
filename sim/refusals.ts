/**
 * R11, seen at the server: what it refuses for good it has not stored for that very attempt. What its caller makes of
 * that, who may have asked elsewhere before, is for verdict.ts to see.
 */
import type { RequestId } from "../src/core/ids.ts";
import type { SimServer } from "./server.ts";

type Attempt = {
  readonly process: object | null;
  /** What lay on the disk when it came. */
  readonly n: number;
  /** Of several at once each speaks for itself. */
  isAlone: boolean;
};

/** These say nothing of what was stored. */
const NOT_DEFINITE: ReadonlySet<string> = new Set(["indefinite", "id_reused"]);

export class Refusals {
  private readonly attempts = new Map<SimServer, Map<RequestId, Attempt>>();
  private readonly fail: (rule: string, what: string) => void;

  constructor(fail: (rule: string, what: string) => void) {
    this.fail = fail;
  }

  asked(server: SimServer, id: RequestId | null): void {
    if (id === null) return;
    const attempts = this.attempts.get(server) ?? new Map<RequestId, Attempt>();
    this.attempts.set(server, attempts);
    const { disk, running } = server;
    const before = attempts.get(id);
    if (before !== undefined) before.isAlone = false;
    else attempts.set(id, { process: running, n: disk.ops.length, isAlone: true });
  }

  /** `n`: where an op of that request lies on its disk, if it does. */
  refused(server: SimServer, id: RequestId, why: string, n: number | undefined): void {
    const attempt = this.attempts.get(server)?.get(id);
    const [code = ""] = why.split(":", 1);
    if (attempt === undefined || !attempt.isAlone || NOT_DEFINITE.has(code)) return;
    const { running, disk } = server;
    if (n === undefined || n <= attempt.n || attempt.process !== running) return;
    if (disk.ops[n - 1]?.origin !== running?.replica.figures().incarnation) return;
    this.fail("R11", `${server.name} refused ${id} (${why}), and stored it as op ${n}`);
  }
}
