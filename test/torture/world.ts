/**
 * A small community on one data directory, over many deaths of its server: ann, bob and dan write by the wire
 * client, cat by the SDK's outbox, newcomers make accounts; all of them read. After each start everything
 * is read and judged.
 */
import { Chance, newRequestId } from "./chance.ts";
import { check, type Exceptions } from "./checks.ts";
import { History, type Shown, type Snapshot, type Write } from "./history.ts";
import { Load } from "./load.ts";
import { Person } from "./person.ts";
import { SdkPerson } from "./sdk-person.ts";
import { type ServeOptions, type ServerProcess, serve } from "./server-process.ts";

/** What is waited for on a busy machine before the test says that something hangs. */
const PATIENCE_MS = 30_000;
/** Of a violated history: so many complaints are shown. */
const COMPLAINTS_SHOWN = 12;

export type WorldOptions = {
  readonly data: string;
  readonly seed: number;
  readonly flags?: readonly string[];
  /** Longest text of the load, in characters. */
  readonly textMax?: number;
};

export class World {
  readonly history = new History();
  readonly chance: Chance;
  readonly ann = new Person("ann", this.history);
  readonly bob = new Person("bob", this.history);
  readonly dan = new Person("dan", this.history);
  readonly cat = new SdkPerson("cat", this.history);
  readonly wired: readonly Person[] = [this.ann, this.bob, this.dan];
  readonly textMax: number;
  readonly data: string;
  server: ServerProcess | null = null;
  /** Channel ids: `#ops`, where all are; `#side`, which ann and bob join and leave. */
  ops = "";
  side = "";
  /** Conversation ids. */
  directs = { annBob: "", bobCat: "", danAnn: "" };
  private words = 0;
  private readonly flags: readonly string[];
  private port = 0;

  constructor({ data, seed, flags = [], textMax = 200 }: WorldOptions) {
    this.data = data;
    this.flags = flags;
    this.textMax = textMax;
    this.chance = new Chance(seed);
  }

  get url(): string {
    return this.server?.url ?? "";
  }

  /** A word that stands in no other text. */
  token(): string {
    return `w${(++this.words).toString(36)}x${this.chance.word(4)}`;
  }

  text(...tokens: string[]): string {
    const head = tokens.join(" ");
    const room = this.textMax - head.length - 1;
    return `${head} ${this.chance.word(this.chance.happens(0.2) ? this.chance.whole(1, room) : 8)}`;
  }

  // Starting.

  /** Starts on `data` of the options, else on the own. */
  async start(options: Partial<ServeOptions> = {}): Promise<ServerProcess> {
    const { data, port } = this;
    const flags = [...this.flags, ...(options.flags ?? [])];
    this.server = await serve({ data, port, ...options, flags });
    this.port = this.server.port;
    return this.server;
  }

  /** Accounts, channels, the first messages: what has to be there before anything is broken. */
  async settle(): Promise<void> {
    const { ann, bob, dan, cat, url } = this;
    await Promise.all([...this.wired, cat].map((person) => person.signUp(url)));
    const channel = async (name: string) => {
      const made = await dan.read("channel.create", { name, id: newRequestId() });
      return made?.channel.id as string;
    };
    this.ops = await channel("ops");
    this.side = await channel("side");
    for (const person of [ann, bob]) {
      await person.read("channel.join", { in: this.ops, id: newRequestId() });
    }
    await cat.joined(this.ops);
    this.directs = {
      annBob: conversationOf(await this.post(ann, bob.id)),
      bobCat: conversationOf(await this.post(bob, cat.id)),
      danAnn: conversationOf(await this.post(dan, ann.id)),
    };
    const { messages } = await this.snapshot();
    const { annBob, bobCat, danAnn } = this.directs;
    const stream = (name: string, conversations: string[]) =>
      this.history.stream(name, conversations, messages);
    ann.stream = stream("ann", [this.ops, annBob, danAnn]);
    bob.stream = stream("bob", [this.ops, annBob, bobCat]);
    dan.stream = stream("dan", [this.ops, danAnn]);
    cat.stream = stream("cat (SDK)", [this.ops, bobCat]);
  }

  post(person: Person, to: string): Promise<Write> {
    const token = this.token();
    const text = this.text(token);
    return person.write({ type: "post", to, token, text }, "message.post", { to, text });
  }

  /** Everybody resumes. False if the server went away meanwhile. */
  async resume(): Promise<boolean> {
    const came = await Promise.all(this.wired.map((person) => person.resume(this.url)));
    return !came.includes(false);
  }

  // Load.

  /** The SDK's client comes back by itself and writes: where only the load may write, it is put away. */
  async putAway(): Promise<void> {
    await this.cat.close();
  }

  /** Runs until the server ends, or until `until` resolves. */
  async load(until: Promise<unknown>): Promise<void> {
    const { server } = this;
    if (server === null) throw new Error("no load without a server");
    this.cat.begin(server.url);
    const load = new Load(this);
    await load.run(Promise.race([until, server.ended]));
  }

  // Judging.

  /** Reads everything there is. */
  async snapshot(): Promise<Snapshot> {
    const { ann, bob, dan, directs } = this;
    const begun = this.history.tick();
    const messages: Shown[] = [];
    const places: [Person, string][] = [
      [dan, this.ops],
      [ann, directs.annBob],
      [bob, directs.bobCat],
      [dan, directs.danAnn],
    ];
    for (const [person, conversation] of places) {
      if (conversation !== "") messages.push(...(await person.readAll(conversation)));
    }
    const members = new Map([
      [this.side, new Set((await this.listed("members")).map(({ id }) => id))],
    ]);
    const accounts = new Map<string, string[]>();
    for (const { name, id } of await this.listed("accounts")) {
      accounts.set(name, [...(accounts.get(name) ?? []), id]);
    }
    return { begun, ended: this.history.tick(), messages, members, accounts };
  }

  /** All pages of a list. */
  private async listed(list: "accounts" | "members"): Promise<{ id: string; name: string }[]> {
    const all: { id: string; name: string }[] = [];
    const method = list === "accounts" ? "account.list" : "channel.members";
    const where = list === "accounts" ? {} : { in: this.side };
    let after: string | undefined;
    do {
      const more = after === undefined ? {} : { after };
      const page = await this.dan.read(method, { ...where, ...more, limit: 500 });
      if (page === null) throw new Error(`${method} went unanswered`);
      all.push(...page[list]);
      after = page.next;
    } while (after !== undefined);
    return all;
  }

  /** Reads everything and judges the history; throws the complaints. Everybody has resumed. */
  async judge(
    options: { final?: boolean; keep?: boolean; except?: Exceptions } = {},
  ): Promise<void> {
    if (options.final === true) {
      this.cat.begin(this.url);
      await this.quiet();
    }
    const snapshot = await this.snapshot();
    const complaints = check(this.history, snapshot, options);
    if (options.keep !== false) this.history.snapshots.push(snapshot);
    if (complaints.length === 0) return;
    const shown = complaints.slice(0, COMPLAINTS_SHOWN).join("\n  ");
    throw new Error(`the history holds ${complaints.length} violations:\n  ${shown}`);
  }

  /** Waits until the outbox is empty and every event that is on its way has come. */
  private async quiet(): Promise<void> {
    await within(() => this.cat.waiting === 0, "the outbox to be empty");
    for (const person of this.wired) {
      if (!(await person.resume(this.url))) throw new Error("the server went away");
    }
    // The SDK's own connection: whatever was posted before this message has come when it has.
    const marker = await this.post(this.dan, this.ops);
    const [attempt] = marker.attempts;
    if (attempt?.outcome.kind !== "acknowledged") throw new Error("the last message was refused");
    const { id = "" } = attempt.outcome.message ?? {};
    const everybody = [...this.wired, this.cat];
    await within(
      () =>
        everybody.every(({ stream }) => stream?.events.some(({ message }) => message.id === id)),
      "the last message to reach everybody",
    );
  }

  async close(): Promise<void> {
    await this.cat.close();
    for (const person of this.wired) person.wire?.drop();
    await this.server?.kill();
  }
}

export function conversationOf({ attempts }: Write): string {
  const [attempt] = attempts;
  if (attempt?.outcome.kind === "acknowledged" && attempt.outcome.message !== undefined) {
    return attempt.outcome.message.conversation;
  }
  throw new Error(`a message that had to be acknowledged was not: ${attempt?.outcome.kind}`);
}

/** Waits until something holds; throws what was waited for after {@link PATIENCE_MS}. */
export async function within(
  holds: () => boolean | Promise<boolean>,
  what: string,
  patienceMs = PATIENCE_MS,
): Promise<void> {
  const deadline = performance.now() + patienceMs;
  while (!(await holds())) {
    if (performance.now() > deadline)
      throw new Error(`waited ${patienceMs} ms in vain for ${what}`);
    await Bun.sleep(10);
  }
}
