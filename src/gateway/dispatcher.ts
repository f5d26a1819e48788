/** Runs one request through all checks and its handler; the same for every dialect. */
import { united } from "../core/cursor.ts";
import { Refusal, type RefusalCode } from "../core/errors.ts";
import { READ_WAIT_MS, THROTTLE_ENTRIES_MAX, WRITES_BURST } from "../core/limits.ts";
import type { MethodName } from "../protocol/methods.ts";
import { assertAdmin } from "./accounts.ts";
import type { Caller, Command } from "./command.ts";
import type { Services } from "./services.ts";
import { type Row, TABLE } from "./table.ts";
import { Throttle } from "./throttle.ts";

/** Reads cost less than writes: so many times the rate. */
const READS_PER_WRITE = 5;

type AnyHandle = (services: Services, caller: Caller, params: object) => unknown;

export class Dispatcher {
  private readonly services: Services;
  private readonly writes: Throttle | null;
  private readonly reads: Throttle | null;
  private readonly observe: (method: string, code: "ok" | RefusalCode, seconds: number) => void;

  constructor(
    services: Services,
    writesPerSecond: number,
    observe: (method: string, code: "ok" | RefusalCode, seconds: number) => void,
  ) {
    this.services = services;
    this.observe = observe;
    const rate = (perSecond: number, burst: number) => {
      const windowMs = (burst / perSecond) * 1000;
      return new Throttle(services.clock, burst, windowMs, THROTTLE_ENTRIES_MAX);
    };
    const isOff = writesPerSecond === 0;
    this.writes = isOff ? null : rate(writesPerSecond, WRITES_BURST);
    this.reads = isOff
      ? null
      : rate(writesPerSecond * READS_PER_WRITE, WRITES_BURST * READS_PER_WRITE);
  }

  /** null for a method that does not exist. */
  row(method: string): Row | null {
    return TABLE.get(method) ?? null;
  }

  /** Throws Refusal, and nothing else but defects. */
  async run(caller: Caller, method: string, row: Row, params: unknown): Promise<object> {
    const started = this.services.clock.monotonicMs();
    let code: "ok" | RefusalCode = "ok";
    try {
      return await this.answer(caller, method, row, params);
    } catch (error) {
      code = error instanceof Refusal ? error.code : "indefinite";
      throw error;
    } finally {
      this.observe(method, code, (this.services.clock.monotonicMs() - started) / 1000);
    }
  }

  private async answer(caller: Caller, method: string, row: Row, params: unknown): Promise<object> {
    row.check(params);
    this.assertServes(caller, method);
    this.admit(caller, row);
    const { at } = params as { at?: string };
    if (at !== undefined) await this.waitFor(at);
    const handle = row.command.handle as unknown as AnyHandle;
    const result = (await handle(this.services, caller, params as object)) as object;
    if (!row.hasCursor || Object.hasOwn(result, "cursor")) return result;
    return { ...result, cursor: united(this.services.replica.cursors.current(), caller.carried) };
  }

  /** One that was removed serves its operator only, and says where the others are. */
  private assertServes(caller: Caller, method: string): void {
    const { replica, isStopping } = this.services;
    const isRemoved = replica.members.isRemoved(replica.name);
    const isLeaving = isRemoved && !caller.operator && method !== "server.hello";
    if (!isStopping() && !isLeaving) return;
    const why = isStopping() ? "is stopping" : "was removed from the cluster";
    throw new Refusal("shutting_down", `server ${replica.name} ${why}: go to another one`, 1_000);
  }

  private admit(caller: Caller, row: Row): void {
    const { needs }: Command<MethodName> = row.command;
    if (needs === "nothing" && (caller.account === null || caller.operator)) return;
    if (caller.account === null) {
      throw new Refusal(
        "unauthorized",
        "sign in first: session.open, or session.resume with a token",
      );
    }
    if (needs === "admin") assertAdmin(this.services, caller);
    if (caller.operator && needs === "session") {
      throw new Refusal("forbidden", "the operator has no conversations: use an account's session");
    }
    const throttle = row.writes ? this.writes : this.reads;
    if (!caller.operator) throttle?.demand(caller.account, "this account does too much at once");
  }

  /** Reads never answer with less than their caller has seen: they wait briefly, then say so. */
  private async waitFor(at: string): Promise<void> {
    const { replica, clock, folds } = this.services;
    const cursor = replica.cursors.parse(at);
    const deadline = clock.monotonicMs() + READ_WAIT_MS;
    while (!replica.cursors.covers(cursor)) {
      const left = deadline - clock.monotonicMs();
      if (left <= 0) {
        throw new Refusal("stale", `server ${replica.name} has not seen all that you have`, 1_000);
      }
      await folds.wait(left);
    }
  }
}
