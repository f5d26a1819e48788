/** The one client of the load that uses the SDK: messages leave by its outbox, in order, once, by themselves. */
import {
  type Client,
  createClient,
  type KeptStorage,
  type OutboxEntry,
} from "../../src/client/index.ts";
import { newRequestId } from "./chance.ts";
import type { Attempt, History, Stream, Write } from "./history.ts";
import { shownOf } from "./person.ts";

const QUICK = { backoffMsMin: 20, backoffMsMax: 150, retryMsMin: 20, retryMsMax: 150 };

/** What outlives the client's process: a map that the test keeps. */
class KeptMap implements KeptStorage {
  private readonly kept = new Map<string, string>();

  list(prefix: string): Iterable<[string, string]> {
    return [...this.kept].filter(([key]) => key.startsWith(prefix));
  }

  set(key: string, value: string | undefined): void {
    if (value === undefined) this.kept.delete(key);
    else this.kept.set(key, value);
  }
}

export class SdkPerson {
  readonly name: string;
  id = "";
  stream: Stream | null = null;
  private readonly history: History;
  private readonly storage = new KeptMap();
  private readonly open = new Map<string, { write: Write; attempt: Attempt }>();
  private client: Client | null = null;

  constructor(name: string, history: History) {
    this.name = name;
    this.history = history;
  }

  async signUp(url: string): Promise<void> {
    this.begin(url);
    const write = this.history.write("", newRequestId(), { type: "account", name: this.name });
    const attempt = this.history.begin(write, "sdk");
    const { account, receipt } = await this.client!.signUp({
      name: this.name,
      password: `password of ${this.name}`,
    });
    this.id = account.id;
    write.author = this.id;
    this.history.end(attempt, { kind: "acknowledged", held: receipt.held });
  }

  /** A client on what the one before it kept. */
  begin(url: string): void {
    if (this.client !== null) return;
    const client = createClient({ servers: [url], storage: this.storage, timing: QUICK });
    this.client = client;
    const shown = (posted: boolean) => (event: { message: object }) =>
      void this.stream?.events.push({
        at: this.history.tick(),
        posted,
        message: shownOf(event.message as never),
      });
    client.on("message.posted", shown(true));
    client.on("message.changed", shown(false));
    client.on("reset", () => {
      if (this.stream !== null) this.stream.resets++;
    });
    client.on("outbox", ({ entry }) => this.changed(entry));
  }

  async joined(channel: string): Promise<void> {
    await this.client!.call("channel.join", { in: channel });
  }

  post(to: string, token: string, text: string): void {
    const id = newRequestId();
    const write = this.history.write(this.id, id, { type: "post", to, token, text }, "outbox");
    this.open.set(id, { write, attempt: this.history.begin(write, "outbox") });
    this.client!.outbox.post({ to, text, id });
  }

  private changed(entry: OutboxEntry): void {
    const known = this.open.get(entry.id);
    if (known === undefined) return;
    if (entry.state === "stored") {
      this.open.delete(entry.id);
      const { receipt, message } = entry;
      if (receipt === undefined || message === undefined)
        throw new Error("stored without its result");
      this.history.end(known.attempt, {
        kind: "acknowledged",
        held: receipt.held,
        message: shownOf(message),
      });
    } else if (entry.state === "failed") {
      this.open.delete(entry.id);
      const code = entry.error?.code ?? "none";
      this.history.end(
        known.attempt,
        code === "indefinite" ? { kind: code } : { kind: "refused", code },
      );
    }
  }

  /** Messages that are neither stored nor given up. */
  get waiting(): number {
    return this.open.size;
  }

  /** Where this client has come to; changes with every event that it has passed on. */
  get cursor(): string {
    return this.client?.cursor ?? "";
  }

  async close(): Promise<void> {
    await this.client?.close();
    this.client = null;
  }
}
