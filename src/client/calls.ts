/**
 * Calls of the application: ids for writes, ids in place of names, and what is known of earlier tries.
 *
 * A caller that was told `indefinite` repeats with the same `id`. The repeat carries the ids that the names
 * stood for the first time, and a refusal of it is `indefinite` again: an attempt went unanswered, whichever
 * call made it. The newest UNKNOWN_MAX such ids are remembered.
 */
import { type HoldfastError, noServer } from "./error.ts";
import { asRecipient, idFor, Names, type Resolved } from "./names.ts";
import type { CallOptions } from "./options.ts";
import type { Clock } from "./ports.ts";
import type { RequestIds } from "./request-ids.ts";
import type { RequestSpec } from "./requests.ts";
import { isWrite, type NameKey, namesIn, signsIn } from "./table.ts";
import { type Timing, UNKNOWN_MAX } from "./timing.ts";
import { resolutionIn } from "./told.ts";

export type Values = Record<string, unknown>;

export class Calls {
  readonly names: Names;
  private readonly submit: (spec: RequestSpec) => Promise<unknown>;
  private readonly ids: RequestIds;
  private readonly timing: Timing;
  /** Writes of unknown outcome, with what their names stood for. */
  private readonly unknown = new Map<string, Values>();
  /** Set while a write waits for its names: later writes wait behind it, so that none overtakes. */
  private gate: Promise<void> | undefined;

  constructor(
    submit: (spec: RequestSpec) => Promise<unknown>,
    ids: RequestIds,
    clock: Clock,
    timing: Timing,
  ) {
    this.submit = submit;
    this.ids = ids;
    this.timing = timing;
    this.names = new Names((name, ms) => this.resolve(name, ms), clock, timing.nameMs);
  }

  async call(method: string, params: Values, options: CallOptions): Promise<unknown> {
    if (!isWrite(method)) return this.send(method, params, options, false);
    const { id = this.ids.next() } = params;
    const former = this.unknown.get(String(id));
    const waiting = former === undefined ? this.idsFor(method, params, options) : undefined;
    const found = former ?? (waiting === undefined ? {} : await waiting);
    try {
      const values = { ...params, ...found, id };
      const result = await this.send(method, values, options, former !== undefined);
      this.unknown.delete(String(id));
      return result;
    } catch (error) {
      if ((error as HoldfastError).code === "indefinite") this.remember(String(id), found);
      throw error;
    }
  }

  /** One request, as it is. `unanswered`: an earlier attempt went without an answer. */
  send(
    method: string,
    params: Values,
    options: CallOptions,
    unanswered: boolean,
  ): Promise<unknown> {
    const deadlineMs = options.deadlineMs ?? this.timing.requestMs;
    return this.submit({ method, params, deadlineMs, unanswered, stale: options.stale ?? false });
  }

  /** The ids that stand for the names of a write; undefined if it need not wait for any. */
  private idsFor(
    method: string,
    params: Values,
    options: CallOptions,
  ): Promise<Values> | undefined {
    const names = namesIn(method, params);
    const before = this.gate;
    if (signsIn(method) || (names.length === 0 && before === undefined)) return undefined;
    const found = this.lookUp(names, before, options.deadlineMs ?? this.timing.requestMs);
    const gate = found.then(nothing, nothing);
    this.gate = gate;
    void gate.then(() => {
      if (this.gate === gate) this.gate = undefined;
    });
    return found;
  }

  private async lookUp(
    names: ReturnType<typeof namesIn>,
    before: Promise<void> | undefined,
    deadlineMs: number,
  ): Promise<Values> {
    const asked = names.map(([key, name]) => this.lookUpOne(key, name, deadlineMs));
    const found = await Promise.all(asked);
    await before;
    return Object.fromEntries(found);
  }

  /** For what is no recipient the write itself may know better: an invitation to what cannot be read yet. */
  private async lookUpOne(key: NameKey, name: string, ms: number): Promise<[NameKey, string]> {
    if (key === "to") return [key, idFor(key, await this.recipient(name, ms))];
    try {
      return [key, idFor(key, await this.names.resolve(name, ms))];
    } catch (error) {
      if ((error as HoldfastError).code === "not_found") return [key, name];
      throw error;
    }
  }

  /** What a message to this name goes to. */
  recipient(name: string, deadlineMs = this.timing.requestMs): Promise<Resolved> {
    return this.names.resolve(name, deadlineMs).catch((error) => {
      throw asRecipient(error);
    });
  }

  private async resolve(name: string, deadlineMs: number): Promise<Resolved> {
    const ask = async (stale: boolean): Promise<Resolved> => {
      const options = { deadlineMs, stale };
      const found = resolutionIn(
        await this.send("conversation.resolve", { in: name }, options, false),
      );
      if (found === undefined) throw noServer("the server");
      return found;
    };
    try {
      return await ask(false);
    } catch (error) {
      // Writing goes on although some of what we saw is missing there.
      if ((error as HoldfastError).code !== "stale") throw error;
      return await ask(true);
    }
  }

  private remember(id: string, found: Values): void {
    this.unknown.delete(id);
    this.unknown.set(id, found);
    if (this.unknown.size > UNKNOWN_MAX) {
      this.unknown.delete(this.unknown.keys().next().value as string);
    }
  }
}

function nothing(): void {}
