/**
 * A client of the torture by the SDK, as a process of its own: posts, edits, deletes and reads in the round's
 * channel, and writes down what it was told and shown. Arguments: its name, the servers.
 */
import {
  type Client,
  createClient,
  type HoldfastError,
  type Message,
} from "../src/client/index.ts";
import { obey } from "../test/hosts/orders.ts";
import type { Order } from "./clients.ts";
import { type ClientLine, HistoryFile, nowMs, type Shown, type Wish } from "./history.ts";

const PASSWORD = "correct horse battery";
/** More than these are not begun while they wait: a slow machine would never catch up. */
const WAITING_MAX = 16;
/** Of so many posts one is followed by an edit, a deletion, a reading. */
const EDIT_EVERY = 7;
const DELETE_EVERY = 11;
const READ_EVERY = 23;
const PAGE_MAX = 200;
const LATER_MS = 100;
const FOR_EVER = { deadlineMs: Number.POSITIVE_INFINITY };

const [name = "", ...servers] = process.argv.slice(2);
const client: Client = createClient({ servers });

function shown({ id, conversation, text, position, deleted, late }: Message): Shown {
  const flags = { ...(deleted ? { deleted } : {}), ...(late ? { late } : {}) };
  return { id, conversation, text, position, ...flags };
}

/** A word that stands in no other text: it can be looked for on a disk. */
function word(): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(9))).toString("hex");
}

/** One channel's worth of talking. */
class Talk {
  readonly channel: string;
  private readonly file: HistoryFile<ClientLine>;
  private timer: Timer | null = null;
  private said = 0;
  private stored = 0;
  /** Requests without an outcome. */
  private readonly open = new Set<string>();
  private readonly mine: string[] = [];
  /** One at a time: which of two came last must be known. */
  private isEditing = false;
  /** What it shows: texts by id, of a deleted one the empty text. */
  private readonly seen = new Map<string, string>();
  private resets = 0;
  private emptied = Promise.withResolvers<void>();

  constructor(channel: string, path: string) {
    this.channel = channel;
    this.file = new HistoryFile(path);
  }

  write(line: ClientLine): void {
    this.file.write(line);
  }

  begin(everyMs: number): void {
    this.timer = setInterval(() => this.tick(), everyMs);
  }

  private tick(): void {
    if (this.open.size >= WAITING_MAX) return;
    const n = ++this.said;
    const text = `${name} ${n} ${word()}`;
    const { id } = client.outbox.post({ to: this.channel, text });
    this.tried(id, { op: "post", text });
    if (n % EDIT_EVERY === 0) this.edit(n);
    if (n % DELETE_EVERY === 0) this.remove();
    if (n % READ_EVERY === 0) void this.read(false).catch(() => {}); // `stale` is an answer, too
  }

  tried(id: string, wish: Wish): void {
    this.open.add(id);
    this.write({ is: "tried", at: nowMs(), id, wish });
  }

  /** The outcome of what was tried; of requests that are nobody's here nothing is written. */
  done(
    id: string,
    outcome: { held: readonly string[]; message?: Message; channel?: string },
  ): void {
    if (!this.open.has(id)) return;
    const { held, message, channel } = outcome;
    if (message !== undefined && !message.deleted && !message.edited) this.mine.push(message.id);
    const what = {
      ...(message === undefined ? {} : { message: shown(message) }),
      ...(channel === undefined ? {} : { channel }),
    };
    this.write({ is: "told", at: nowMs(), id, outcome: "done", held, ...what });
    this.stored++;
    this.closed(id);
  }

  failed(id: string, code: string): void {
    if (!this.open.has(id)) return;
    const at = nowMs();
    if (code === "indefinite") this.write({ is: "told", at, id, outcome: "unknown" });
    else this.write({ is: "told", at, id, outcome: "refused", code });
    this.closed(id);
  }

  private closed(id: string): void {
    this.open.delete(id);
    if (this.open.size === 0) this.emptied.resolve();
  }

  private edit(n: number): void {
    const message = this.mine.at(-1);
    if (message === undefined || this.isEditing) return;
    const text = `${name} edited ${n} ${word()}`;
    const wish = { op: "edit", message, text } as const;
    this.isEditing = true;
    void this.call(wish, (id) => client.call("message.edit", { message, text, id }, FOR_EVER)).then(
      () => {
        this.isEditing = false;
      },
    );
  }

  private remove(): void {
    const message = this.mine.shift();
    if (message === undefined) return;
    const wish = { op: "delete", message } as const;
    void this.call(wish, (id) => client.call("message.delete", { message, id }, FOR_EVER));
  }

  async call(
    wish: Wish,
    send: (id: string) => Promise<{
      receipt: { held: readonly string[] };
      message?: Message;
      channel?: { id: string };
    }>,
  ): Promise<void> {
    const id = Bun.randomUUIDv7();
    this.tried(id, wish);
    try {
      const { receipt, message, channel } = await send(id);
      const what = {
        ...(message === undefined ? {} : { message }),
        ...(channel === undefined ? {} : { channel: channel.id }),
      };
      this.done(id, { held: receipt.held, ...what });
    } catch (error) {
      this.failed(id, (error as HoldfastError).code);
    }
  }

  /** The newest page, or all of them; together they are one reading if nothing was late meanwhile. */
  async read(whole: boolean): Promise<void> {
    const messages: Shown[] = [];
    const begun = nowMs();
    let before: string | undefined;
    do {
      const older = before === undefined ? {} : { before };
      const params = { in: this.channel, limit: whole ? PAGE_MAX : 50, ...older };
      const page = await client.call("message.history", params, FOR_EVER);
      messages.unshift(...page.messages.map(shown));
      before = whole ? page.next : undefined;
    } while (before !== undefined);
    for (const { id, text } of messages) this.see(id, text);
    this.write({ is: "read", begun, at: nowMs(), whole, messages });
  }

  shows(message: Message, posted: boolean): void {
    if (message.conversation !== this.channel) return;
    this.see(message.id, message.text);
    this.write({ is: "shown", at: nowMs(), posted, message: shown(message) });
  }

  /** What it shows counts for nothing: it reads anew, until that works. */
  async reset(): Promise<void> {
    this.seen.clear();
    this.write({ is: "reset", at: nowMs() });
    const nth = ++this.resets;
    for (let isRead = false; !isRead && nth === this.resets; ) {
      isRead = await this.read(true).then(
        () => true,
        () => Bun.sleep(LATER_MS).then(() => false), // `stale`, for one
      );
    }
  }

  progress() {
    return { said: this.said, stored: this.stored, open: this.open.size };
  }

  /** Says nothing more; resolves when everything has its outcome. */
  async end(): Promise<void> {
    if (this.timer !== null) clearInterval(this.timer);
    this.timer = null;
    this.emptied = Promise.withResolvers();
    if (this.open.size > 0) await this.emptied.promise;
  }

  private see(id: string, text: string): void {
    if (this.seen.get(id) !== "") this.seen.set(id, text); // deleted stays deleted
  }

  /** How many of these it does not show as they are, and how many others it shows. */
  async hears(messages: readonly Shown[], patienceMs: number): Promise<number> {
    const deadlineMs = performance.now() + patienceMs;
    const there = new Map(messages.map((message) => [message.id, message]));
    const amiss = () => {
      const wrong = messages.filter(({ id, text, deleted }) => {
        const seen = this.seen.get(id);
        return seen === undefined ? deleted !== true : seen !== text;
      });
      const gone = [...this.seen.keys()].filter((id) => !there.has(id));
      return wrong.length + gone.length;
    };
    while (amiss() > 0 && performance.now() < deadlineMs) await Bun.sleep(50);
    return amiss();
  }
}

let talk: Talk | null = null;

client.on("outbox", ({ entry: { id, state, receipt, message, error } }) => {
  if (state === "failed") talk?.failed(id, error?.code ?? "indefinite");
  if (state === "stored" && message !== undefined) {
    talk?.done(id, { held: receipt?.held ?? [], message });
  }
});
client.on("message.posted", ({ message }) => talk?.shows(message, true));
client.on("message.changed", ({ message }) => talk?.shows(message, false));
client.on("message.held", ({ id, receipt }) => {
  talk?.write({ is: "held", at: nowMs(), message: id, held: receipt.held });
});
client.on("reset", () => talk?.reset());

/** A server that was not waited for when the channel was made may not know it yet. */
async function join(channel: string): Promise<void> {
  for (;;) {
    try {
      await client.call("channel.join", { in: channel }, FOR_EVER);
      return;
    } catch (error) {
      if ((error as HoldfastError).code !== "not_found") throw error;
      await Bun.sleep(LATER_MS);
    }
  }
}

function atNow(): string {
  const { state, server } = client.connection;
  return state === "live" ? (server ?? "") : "";
}

async function carryOut(order: Order): Promise<unknown> {
  switch (order.do) {
    case "enter":
      await client.signUp({ name, password: PASSWORD });
      return null;
    case "create": {
      const { channel } = await client.call("channel.create", { name: order.name }, FOR_EVER);
      return channel.id;
    }
    case "join":
      talk = new Talk(order.channel, order.history);
      await join(order.channel);
      return null;
    case "begin":
      talk?.begin(order.everyMs);
      return null;
    case "race":
      void talk?.call({ op: "channel", name: order.name }, (id) =>
        client.call("channel.create", { name: order.name, id }, FOR_EVER),
      );
      return null;
    case "progress":
      return { ...(talk?.progress() ?? { said: 0, stored: 0, open: 0 }), at: atNow() };
    case "end":
      await talk?.end();
      return null;
    case "hear":
      return await talk?.hears(order.messages, order.patienceMs);
    default:
      return order satisfies never;
  }
}

await obey(carryOut);
process.exit(0);
