/**
 * Somebody with an account and the real SDK, on a machine of their own: its process may die, freeze and come
 * back, and what it kept stays.
 *
 * Every write is noted with what its caller was told; every message that comes is taken in after a while, as an
 * application does that stores it first, so that a cursor kept too early costs a message.
 */
import {
  type Client,
  createClient,
  HoldfastError,
  type KeptStorage,
  type Message,
} from "../src/client/index.ts";
import type { CallParams, MethodName, Result } from "../src/client/table.ts";
import { type RequestId, requestIdFrom } from "../src/core/ids.ts";
import type { Chance } from "./chance.ts";
import { socketsOf } from "./client-lines.ts";
import { ProcessClock, type Time } from "./clock.ts";
import type { Network, Process } from "./network.ts";
import { Shown, shownOf } from "./shown.ts";
import type { Sometimes } from "./sometimes.ts";

const HISTORY_PAGE = 200;
const PASSWORD = "correct horse";
const RETRY_MS: readonly [number, number] = [100, 1_500];
/** How long taking in one event may take, ms. */
const TAKING_MS = 40;

export type Told =
  | { readonly is: "open" }
  | { readonly is: "acknowledged"; readonly atMs: number; readonly position?: string }
  /** A definite "no". */
  | { readonly is: "refused"; readonly code: string; readonly why: string }
  | { readonly is: "indefinite" };

/** One intention: what was asked for, and what its caller was told. */
export type Write = {
  readonly person: string;
  readonly id: RequestId;
  readonly method: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly begunMs: number;
  /** The id of the message it made. */
  message?: string;
  conversation?: string;
  /** What it was answered. */
  result?: unknown;
  told: Told;
};

export type PersonWorld = {
  readonly time: Time;
  readonly network: Network;
  readonly sometimes: Sometimes;
  readonly urls: readonly string[];
  readonly writes: Write[];
  /** Whether its deletion is on any disk that is in use. */
  isDeletedSomewhere(message: string): boolean;
  fail(rule: string, what: string): void;
  note(text: string): void;
};

/** What outlives a client's process. */
class Kept implements KeptStorage {
  private readonly kept = new Map<string, string>();

  list(prefix: string): [string, string][] {
    return [...this.kept].filter(([key]) => key.startsWith(prefix));
  }

  set(key: string, value: string | undefined): void {
    if (value === undefined) this.kept.delete(key);
    else this.kept.set(key, value);
  }
}

/** A process that is gone does not go on: what it waited for never comes. */
const NEVER = new Promise<never>(() => {});

export class Person {
  name: string;
  readonly host: string;
  readonly shown = new Shown();
  readonly chance: Chance;
  /** Account id, once there is one. */
  id: string | null = null;
  client: Client | null = null;
  process: Process | null = null;
  private readonly world: PersonWorld;
  private readonly storage = new Kept();
  private readonly isSlow: boolean;
  private readonly code: () => string | undefined;
  private names = 0;
  private joining = false;
  /** What came in is taken in one after the other. */
  private taking: Promise<void> = Promise.resolve();
  private waiting = 0;
  private calls = 0;
  private server: string | null = null;
  /** Since when what it reads is no older than what it saw. */
  sinceMs = 0;

  /** `code`: what it signs up with, if anything. */
  constructor(
    name: string,
    world: PersonWorld,
    chance: Chance,
    code: () => string | undefined = () => undefined,
  ) {
    this.code = code;
    this.name = name;
    this.host = `of-${name}`;
    this.world = world;
    this.chance = chance;
    this.isSlow = chance.happens(0.5);
    this.shown.onUndeleted = ({ id, text }, how) => {
      if (world.isDeletedSomewhere(id)) {
        world.fail("R9", `${name} was shown ${id} deleted, and then ${how} with the text ${text}`);
      } else world.sometimes.happened("a deletion was lost with its disks");
    };
  }

  get isUp(): boolean {
    return this.client !== null;
  }

  /** Nothing that came is still to be taken in. */
  get isSettled(): boolean {
    return this.waiting === 0;
  }

  /** It waits to be told what became of something. */
  get hasOpenCalls(): boolean {
    return this.calls > 0;
  }

  start(): void {
    if (this.client !== null) return;
    const { time, network, urls } = this.world;
    const clock = new ProcessClock(time, this.chance.between(-2_000, 2_000), 1);
    const process = { host: this.host, clock };
    this.process = process;
    this.taking = Promise.resolve();
    this.waiting = 0;
    this.joining = false;
    this.calls = 0;
    const client = createClient({
      servers: this.chance.shuffle(urls),
      storage: this.storage,
      WebSocket: socketsOf(network, process),
      clock: {
        monotonicMs: () => clock.monotonicMs(),
        wallMs: () => clock.wallMs(),
        schedule: (ms, run) => {
          const timer = clock.schedule(ms, run);
          return () => timer.cancel();
        },
      },
      random: this.chance.fork(),
    });
    this.client = client;
    this.listen(client, process);
    client.ready.then(() => this.enter()).catch((error) => this.broken(error));
  }

  /** The process dies, or the machine does: nobody hears of it. */
  vanish(): void {
    const { process } = this;
    if (process === null) return;
    this.client = null;
    this.process = null;
    process.clock.kill();
    this.world.network.gone(process);
  }

  /** Ends its session; it signs in again soon. */
  signOut(): void {
    if (this.client?.account === undefined) return;
    this.shown.clear();
    this.client.signOut().catch((error) => {
      // No server could be told: it is signed out all the same.
      if (!(error instanceof HoldfastError)) this.broken(error);
    });
  }

  freeze(): void {
    this.process?.clock.freeze();
  }

  thaw(): void {
    this.process?.clock.thaw();
  }

  private broken(error: unknown): void {
    this.world.fail("SDK", `${this.name}: ${(error as Error).stack ?? error}`);
  }

  // What comes in.

  private listen(client: Client, process: Process): void {
    const message = ({ message }: { message: Message }) => {
      const cameMs = this.world.time.nowMs;
      return this.take(process, () =>
        this.shown.keep(message.conversation, shownOf(message), cameMs, process),
      );
    };
    client.on("message.posted", message);
    client.on("message.changed", message);
    client.on("conversation.opened", ({ conversation }) =>
      this.take(process, () => this.readAnew(client, process, conversation.id)),
    );
    client.on("reset", () => {
      this.world.sometimes.happened("a client was told to read everything anew");
      this.sinceMs = this.world.time.nowMs;
      this.shown.doubt();
      // What it shows is replaced by what it reads: if it dies before that it has what its cursor tells of.
      return this.take(process, () => this.readAll(client, process));
    });
    client.on("member.changed", ({ conversation, account, standing }) => {
      if (account.id !== this.id || (standing !== "none" && standing !== "banned")) return;
      return this.take(process, () => this.shown.forget(conversation));
    });
    client.on("signed_in", ({ account }) => {
      this.sinceMs = this.world.time.nowMs;
      this.id = account.id;
      this.name = account.name;
    });
    client.on("signed_out", ({ code }) => {
      this.world.sometimes.happened(`a session ended: ${code}`);
      if (this.process === process) process.clock.schedule(50, () => this.enter());
    });
    client.on("connection", ({ state, server }) => {
      if (state !== "live" || server === this.server) return;
      if (this.server !== null) this.world.sometimes.happened("a client went to another server");
      this.server = server ?? null;
    });
    client.on("fault", ({ where, error }) => this.broken(new Error(`${where}: ${error}`)));
  }

  /** Takes one thing in behind those before it; the cursor is kept after it. */
  private take(process: Process, act: () => void | Promise<void>): Promise<void> {
    this.waiting++;
    const taken = this.taking.then(async () => {
      if (this.isSlow) await this.pause(process, this.chance.between(0, TAKING_MS));
      await act();
      if (this.process === process) this.waiting--;
    });
    this.taking = taken.catch((error) => this.broken(error));
    return this.taking;
  }

  private pause(process: Process, ms: number): Promise<void> {
    return new Promise((resolve) => process.clock.schedule(ms, resolve));
  }

  private async readAnew(client: Client, process: Process, conversation: string): Promise<void> {
    for (;;) {
      try {
        await this.readOne(client, process, conversation);
        return;
      } catch (error) {
        await this.refusedToRead(process, error);
        if (isNoMore(error)) return;
      }
    }
  }

  private async readOne(client: Client, process: Process, conversation: string): Promise<void> {
    const all = await this.history(client, conversation);
    this.shown.replace(conversation, all, this.world.time.nowMs, process);
  }

  private async readAll(client: Client, process: Process): Promise<void> {
    for (;;) {
      try {
        const conversations = await this.conversations(client);
        for (const conversation of conversations) {
          await this.readOne(client, process, conversation);
        }
        for (const conversation of this.shown.conversations) {
          if (!conversations.includes(conversation)) this.shown.forget(conversation);
        }
        return;
      } catch (error) {
        await this.refusedToRead(process, error);
        if (isNoMore(error) && client.account === undefined) return;
      }
    }
  }

  private async refusedToRead(process: Process, error: unknown): Promise<void> {
    if (!(error instanceof HoldfastError)) throw error;
    if (error.code === "stale") this.world.sometimes.happened("a read was stale");
    await this.pause(process, this.chance.between(...RETRY_MS));
  }

  /** All of a conversation, oldest first. */
  async history(client: Client, conversation: string) {
    const pages: Result<"message.history">["messages"][] = [];
    let before: string | undefined;
    do {
      const page = await client.call("message.history", {
        in: conversation,
        limit: HISTORY_PAGE,
        ...(before === undefined ? {} : { before }),
      });
      pages.unshift(page.messages);
      before = page.next;
    } while (before !== undefined);
    return pages.flat().map(shownOf);
  }

  async conversations(client: Client): Promise<string[]> {
    const found: string[] = [];
    let after: string | undefined;
    do {
      const page = await client.call("conversation.list", after === undefined ? {} : { after });
      found.push(...page.conversations.map(({ id }) => id));
      after = page.next;
    } while (after !== undefined);
    return found;
  }

  // What goes out.

  newId(): RequestId {
    return requestIdFrom(1_700_000_000_000 + this.world.time.nowMs, this.chance.bytes(10));
  }

  /** Has a session: signs up, or in again. */
  private enter(): void {
    const { client, process } = this;
    if (client === null || process === null || client.token !== undefined || this.joining) return;
    this.joining = true;
    const again = () => {
      this.joining = false;
      if (this.process === process) {
        process.clock.schedule(this.chance.between(...RETRY_MS), () => this.enter());
      }
    };
    const done = this.id === null ? this.signUp() : this.signIn();
    done.then(again, (error) => (this.process === process ? this.broken(error) : undefined));
  }

  private async signUp(): Promise<void> {
    const { name } = this;
    const invitation = this.code();
    const asked = { name, password: PASSWORD, ...(invitation === undefined ? {} : { invitation }) };
    const write = await this.write("account.create", asked);
    if (write.told.is === "refused" && write.told.code === "name_taken") {
      this.world.sometimes.happened("a name was taken");
      this.name = `${name.split("-")[0]}-${++this.names}`;
    } else if (write.told.is === "indefinite") {
      // Perhaps it exists: another one, under another name.
      this.name = `${name.split("-")[0]}-${++this.names}`;
    }
  }

  private async signIn(): Promise<void> {
    const { name } = this;
    const write = await this.write("session.open", { name, password: PASSWORD });
    if (write.told.is === "acknowledged") this.world.sometimes.happened("signed in again");
    // The account is gone with every disk that had it, or another one has its name now.
    if (write.told.is === "refused" && write.told.code === "bad_credentials") {
      this.world.sometimes.happened("an account was lost with its disks");
      this.id = null;
      this.shown.clear();
      this.name = `${name.split(/[-~]/)[0]}-${++this.names}`;
    }
  }

  /** A write, and what its caller is told; resolves when that is known, never if the process dies first. */
  async write<M extends MethodName>(
    method: M,
    params: CallParams<M>,
    deadlineMs = 8_000,
  ): Promise<Write> {
    const { client, process, world } = this;
    if (client === null || process === null) return NEVER;
    const id = this.newId();
    const begunMs = world.time.nowMs;
    const write: Write = {
      person: this.host,
      id,
      method,
      params: params as Readonly<Record<string, unknown>>,
      begunMs,
      told: { is: "open" },
    };
    world.writes.push(write);
    this.calls++;
    try {
      const result = (await client.call(method, { ...params, id } as never, {
        deadlineMs,
      })) as Partial<Result<"message.post">>;
      const { message } = result;
      write.result = result;
      write.told = {
        is: "acknowledged",
        atMs: world.time.nowMs,
        ...(message === undefined ? {} : { position: message.position }),
      };
      if (message !== undefined) {
        write.message = message.id;
        write.conversation = message.conversation;
      }
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error;
      const { code, message: why } = error;
      write.told = code === "indefinite" ? { is: code } : { is: "refused", code, why };
    }
    this.calls--;
    const { told } = write;
    world.sometimes.happened(
      told.is === "refused" ? `${method} refused: ${told.code}` : `${method} ${told.is}`,
    );
    return write;
  }

  /** Gives a message to the outbox: it goes out by itself, whatever happens. */
  send(to: string, text: string): void {
    const { client } = this;
    if (client === null || client.account === undefined) return;
    client.outbox.post({ to, text, id: this.newId() });
    this.world.sometimes.happened("sent by the outbox");
  }
}

function isNoMore(error: unknown): boolean {
  const { code } = error as HoldfastError;
  return (
    code === "not_found" ||
    code === "forbidden" ||
    code === "unauthorized" ||
    code === "session_ended"
  );
}
