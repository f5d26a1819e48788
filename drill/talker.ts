/**
 * One client of a load, over the SDK: an account in the channel that says numbered messages, hears all others',
 * and notes what it was told. Its gaps are what a person would notice: the longest time between two
 * acknowledgments while it sends, and between two messages heard while others send.
 */
import { type Client, createClient, type OutboxEntry } from "../src/client/index.ts";

export const CHANNEL = "drill";
/** Messages of one conversation leave one after the other: a slow machine would never catch up with more. */
const WAITING_MAX = 20;
const PASSWORD = "correct horse battery";

export type Acknowledged = { readonly n: number; readonly held: readonly string[] };
export type Heard = { readonly from: string; readonly n: number; readonly late: boolean };
export type Gaps = { readonly acknowledged: number; readonly heard: number };

/** What a client knows at the end. */
export type Report = {
  readonly name: string;
  readonly sent: number;
  readonly acknowledged: readonly Acknowledged[];
  /** Refused for good: n and the code. */
  readonly failed: readonly { readonly n: number; readonly code: string }[];
  /** In the order in which it was shown. */
  readonly heard: readonly Heard[];
  /** How often it had to read anew. */
  readonly resets: number;
  readonly waiting: number;
};

/** The longest time between two moments, and from the last of them until now, ms. */
class Longest {
  private lastMs: number | null = null;
  private longestMs = 0;

  moment(nowMs: number): void {
    if (this.lastMs !== null) this.longestMs = Math.max(this.longestMs, nowMs - this.lastMs);
    this.lastMs = nowMs;
  }

  /** Takes the longest since the last call; the time that runs counts from now. */
  take(nowMs: number): number {
    this.moment(nowMs);
    const longest = this.longestMs;
    this.longestMs = 0;
    return longest;
  }

  rest(): void {
    this.lastMs = null;
  }
}

export class Talker {
  readonly name: string;
  token = "";
  private readonly client: Client;
  private readonly numbers = new Map<string, number>();
  private readonly acknowledged: Acknowledged[] = [];
  private readonly failed: { n: number; code: string }[] = [];
  private readonly heard: Heard[] = [];
  private readonly sending = new Longest();
  private readonly hearing = new Longest();
  private resets = 0;
  private sent = 0;
  private timer: Timer | null = null;
  private emptied = Promise.withResolvers<void>();

  /** The first of the servers is the one that it goes to. With a token it is in already. */
  constructor(name: string, servers: readonly string[], token?: string) {
    this.name = name;
    this.client = createClient(token === undefined ? { servers } : { servers, token });
    this.token = token ?? "";
    this.client.on("message.posted", ({ message }) => {
      const [from, n] = message.text.split(" ");
      if (from === undefined || n === undefined || from === this.name) return;
      this.heard.push({ from, n: Number(n), late: message.late === true });
      this.hearing.moment(performance.now());
    });
    this.client.on("reset", () => void this.resets++);
    this.client.on("outbox", ({ entry }) => this.changed(entry));
  }

  /** Makes the account, an administrator's with the set-up's code, and the channel or joins it. */
  async enter(isFirst: boolean, invitation?: string): Promise<void> {
    const person = { name: this.name, password: PASSWORD };
    await this.client.signUp(invitation === undefined ? person : { ...person, invitation });
    this.token = this.client.token ?? "";
    if (isFirst) await this.client.call("channel.create", { name: CHANNEL });
    else await this.client.call("channel.join", { in: `#${CHANNEL}` });
  }

  /** From now on a message every so often, whatever becomes of those before, as long as few of them wait. */
  begin(everyMs: number): void {
    this.sending.rest();
    this.timer = setInterval(() => {
      if (this.numbers.size < WAITING_MAX) this.say();
    }, everyMs);
  }

  say(): void {
    const n = ++this.sent;
    const entry = this.client.outbox.post({ to: `#${CHANNEL}`, text: `${this.name} ${n}` });
    this.numbers.set(entry.id, n);
  }

  private changed({ id, state, receipt, error }: OutboxEntry): void {
    const n = this.numbers.get(id);
    if (n === undefined || (state !== "stored" && state !== "failed")) return;
    this.numbers.delete(id);
    if (state === "stored") {
      this.acknowledged.push({ n, held: receipt?.held ?? [] });
      this.sending.moment(performance.now());
    } else {
      this.failed.push({ n, code: error?.code ?? "" });
    }
    if (this.numbers.size === 0) this.emptied.resolve();
  }

  /** Says nothing more; resolves when everything that was said has its answer. */
  async end(): Promise<void> {
    if (this.timer !== null) clearInterval(this.timer);
    this.timer = null;
    this.emptied = Promise.withResolvers();
    if (this.numbers.size > 0) await this.emptied.promise;
    this.sending.rest();
  }

  /** The longest gaps since the last call, ms. */
  takeGaps(): Gaps {
    const nowMs = performance.now();
    return {
      acknowledged: this.timer === null ? 0 : this.sending.take(nowMs),
      heard: this.hearing.take(nowMs),
    };
  }

  get progress(): { sent: number; acknowledged: number; heard: number } {
    const { sent, acknowledged, heard } = this;
    return { sent, acknowledged: acknowledged.length, heard: heard.length };
  }

  /** Address of the server that it is at now; empty while it looks for one. */
  get at(): string {
    return this.client.connection.state === "live" ? (this.client.connection.server ?? "") : "";
  }

  report(): Report {
    const { name, sent, resets } = this;
    const [acknowledged, failed, heard] = [
      [...this.acknowledged],
      [...this.failed],
      [...this.heard],
    ];
    return { name, sent, acknowledged, failed, heard, resets, waiting: this.numbers.size };
  }

  close(): Promise<void> {
    return this.client.close();
  }
}
