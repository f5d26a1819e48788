/** People who talk through several servers while these come and go, and what became of every word. */
import { expect } from "bun:test";
import { type Client, type ClientOptions, createClient } from "../src/client/index.ts";
import type { Site } from "./cluster-processes.ts";
import { atEnd } from "./server-process.ts";

const PASSWORD = "correct horse";
const PAUSE_MS = 5;

/** One who says something as soon as what was said before is stored, and hears all others. */
export class Speaker {
  readonly client: Client;
  readonly name: string;
  readonly said: string[] = [];
  readonly stored: string[] = [];
  readonly heard: string[] = [];
  /** Longest time between two acknowledgments, and between two messages of others. */
  sendGapMs = 0;
  hearGapMs = 0;
  private storedAt = 0;
  private heardAt = 0;
  private speaks = true;
  private done: Promise<void> = Promise.resolve();

  constructor(name: string, site: Site, servers: readonly string[], more: Partial<ClientOptions>) {
    this.name = name;
    const urls = servers.map((server) => site.url(server));
    this.client = createClient({ servers: urls, ...more });
    atEnd(() => this.client.close());
    this.client.on("message.posted", ({ message }) => {
      this.heard.push(message.text);
      if (message.author.name === name) return;
      const now = performance.now();
      if (this.heardAt > 0) this.hearGapMs = Math.max(this.hearGapMs, now - this.heardAt);
      this.heardAt = now;
    });
  }

  async enter(): Promise<this> {
    await this.client.signUp({ name: this.name, password: PASSWORD });
    return this;
  }

  /** Talks until it is told to stop. */
  begin(to: string): void {
    this.done = this.talk(to);
  }

  private async talk(to: string): Promise<void> {
    this.storedAt = performance.now();
    while (this.speaks) {
      const text = `${this.name} ${this.said.length}`;
      this.said.push(text);
      await this.client.post(to, text, { deadlineMs: 60_000 });
      this.stored.push(text);
      const now = performance.now();
      this.sendGapMs = Math.max(this.sendGapMs, now - this.storedAt);
      this.storedAt = now;
      await Bun.sleep(PAUSE_MS);
    }
  }

  /** Forgets the gaps so far. */
  measure(): void {
    this.sendGapMs = 0;
    this.hearGapMs = 0;
    this.heardAt = performance.now();
    this.storedAt = performance.now();
  }

  stop(): Promise<void> {
    this.speaks = false;
    return this.done;
  }
}

/** Ann speaks at the first server, bob at the second, carol listens at the first. */
export async function company(site: Site, servers: readonly string[]): Promise<Speaker[]> {
  const [a = "", b = "", c = ""] = servers;
  const ann = await new Speaker("ann", site, [a, b, c], {}).enter();
  const bob = await new Speaker("bob", site, [b, c, a], {}).enter();
  const carol = await new Speaker("carol", site, [a, c, b], {}).enter();
  await ann.client.call("channel.create", { name: "hall" });
  for (const guest of [bob, carol]) await guest.client.call("channel.join", { in: "#hall" });
  for (const speaker of [ann, bob]) speaker.begin("#hall");
  return [ann, bob, carol];
}

/** Every word was stored, is there once, in its speaker's order, and was heard once by everybody. */
export async function expectNothingLost(speakers: readonly Speaker[]): Promise<void> {
  for (const speaker of speakers) await speaker.stop();
  const all = speakers.flatMap(({ stored }) => stored);
  for (const { client, heard } of speakers) {
    const texts: string[] = [];
    let before: string | undefined;
    do {
      const page = await client.call("message.history", {
        in: "#hall",
        limit: 200,
        ...(before === undefined ? {} : { before }),
      });
      texts.unshift(...page.messages.map(({ text }) => text));
      before = page.next;
    } while (before !== undefined);
    for (const { name, said, stored } of speakers) {
      expect(stored).toEqual(said);
      expect(texts.filter((text) => text.startsWith(`${name} `))).toEqual(said);
    }
    while (heard.length < all.length) await Bun.sleep(20); // the test's own time limit ends it
    expect([...heard].sort()).toEqual([...all].sort());
  }
}
