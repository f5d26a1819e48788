/**
 * Somebody with an account and one connection at a time, who remembers a cursor: writes, and records what
 * was sent as one stream over all connections.
 */
import { newRequestId } from "./chance.ts";
import type { Effect, History, Outcome, Shown, Stream, Write } from "./history.ts";
import { type Answer, type Json, type MessageJson, Wire } from "./wire.ts";

export function shownOf(message: MessageJson): Shown {
  return {
    id: message.id,
    conversation: message.conversation,
    author: message.author.id,
    text: message.text,
    position: message.position,
    deleted: message.deleted === true,
  };
}

export function outcomeOf(answer: Answer): Outcome {
  if (answer.kind === "unanswered") return answer;
  if (answer.kind === "error") {
    return answer.code === "indefinite"
      ? { kind: "indefinite" }
      : { kind: "refused", code: answer.code };
  }
  const { receipt, message } = answer.result;
  const held = receipt?.held ?? [];
  return message === undefined
    ? { kind: "acknowledged", held }
    : { kind: "acknowledged", held, message: shownOf(message) };
}

/** A result, or an error that says what came instead. */
export function demand(answer: Answer, what: string): Json {
  if (answer.kind === "result") return answer.result;
  throw new Error(
    `${what}: ${answer.kind === "error" ? `${answer.code}: ${answer.message}` : "no answer"}`,
  );
}

const HISTORY_PAGE = 200;

export class Person {
  readonly name: string;
  readonly history: History;
  id = "";
  token = "";
  cursor = "";
  wire: Wire | null = null;
  stream: Stream | null = null;
  /** Latest place seen, by conversation. */
  readonly seen = new Map<string, string>();
  /** What to send, by the id of the write, for repeats. */
  readonly requests = new Map<string, { method: string; params: object }>();
  /** Cuts its own connection after so many events; 0 for never. */
  dropAfter = 0;

  constructor(name: string, history: History) {
    this.name = name;
    this.history = history;
  }

  get password(): string {
    return `password of ${this.name}`;
  }

  async signUp(url: string): Promise<void> {
    this.wire = await this.open(url);
    const id = newRequestId();
    const write = this.history.write("", id, { type: "account", name: this.name });
    const attempt = this.history.begin(write, this.wire.line);
    const params = { name: this.name, password: this.password, id };
    const answer = await this.wire.call("account.create", params);
    const made = demand(answer, `account ${this.name}`);
    this.id = made.account.id;
    this.token = made.token;
    this.cursor = made.cursor;
    write.author = this.id;
    this.history.end(attempt, outcomeOf(answer));
  }

  private async open(url: string): Promise<Wire> {
    const wire = await Wire.open(url);
    if (wire === null) throw new Error(`no connection to ${url}`);
    wire.onEvent = (method, params) => this.take(wire, method, params);
    return wire;
  }

  /** A new connection that goes on from the cursor. False if the server went away meanwhile. */
  async resume(url: string): Promise<boolean> {
    this.wire?.drop();
    this.wire = null;
    const wire = await Wire.open(url);
    if (wire === null) return false;
    const caughtUp = Promise.withResolvers<boolean>();
    wire.onEvent = (method, params) => {
      this.take(wire, method, params);
      if (method === "caught_up" || method === "reset") caughtUp.resolve(true);
    };
    void wire.ended.then(() => caughtUp.resolve(false));
    const cursor = this.cursor === "" ? {} : { cursor: this.cursor };
    const answer = await wire.call("session.resume", { token: this.token, ...cursor });
    if (answer.kind === "unanswered") return false;
    demand(answer, `session.resume of ${this.name}`);
    this.wire = wire;
    return await caughtUp.promise;
  }

  private take(wire: Wire, method: string, params: Json): void {
    const posted = method === "message.posted";
    if (params.message !== undefined && (posted || method === "message.changed")) {
      const message = shownOf(params.message);
      this.stream?.events.push({ at: this.history.tick(), posted, message });
      if (message.position > (this.seen.get(message.conversation) ?? "")) {
        this.seen.set(message.conversation, message.position);
      }
    }
    if (method === "reset" && this.stream !== null) this.stream.resets++;
    if (typeof params.cursor === "string") this.cursor = params.cursor;
    // A reader that dies between two events: the cursor of the first is all that it keeps.
    if (this.dropAfter > 0 && method === "message.posted" && --this.dropAfter === 0) wire.drop();
  }

  /** A write under a new id, and its first attempt. */
  async write(effect: Effect, method: string, params: object): Promise<Write> {
    const id = newRequestId();
    const write = this.history.write(this.id, id, effect);
    this.requests.set(id, { method, params: { ...params, id } });
    await this.attempt(write);
    return write;
  }

  /** Another attempt under the same id, here or over another connection. */
  async attempt(write: Write, wire: Wire | null = this.wire): Promise<Outcome> {
    const request = this.requests.get(write.id);
    if (wire === null || wire.isOver || request === undefined) return { kind: "unanswered" };
    const attempt = this.history.begin(write, wire.line);
    const outcome = outcomeOf(await wire.call(request.method, request.params));
    this.history.end(attempt, outcome);
    return outcome;
  }

  /** null when the connection ends meanwhile. */
  async read(method: string, params: object): Promise<Json | null> {
    const answer = await (this.wire?.call(method, params) ?? { kind: "unanswered" as const });
    return answer.kind === "unanswered" ? null : demand(answer, `${method} of ${this.name}`);
  }

  /** The whole of a conversation, oldest first. */
  async readAll(conversation: string): Promise<Shown[]> {
    let all: Shown[] = [];
    let before: string | undefined;
    do {
      const page = await this.read("message.history", {
        in: conversation,
        limit: HISTORY_PAGE,
        ...(before === undefined ? {} : { before }),
      });
      if (page === null) throw new Error(`the history of ${conversation} went unanswered`);
      all = [...page.messages.map(shownOf), ...all];
      before = page.next;
    } while (before !== undefined);
    for (const [i, { position }] of all.entries()) {
      if (i > 0 && position <= all[i - 1]!.position)
        throw new Error(`history of ${conversation} is out of order`);
    }
    return all;
  }
}
