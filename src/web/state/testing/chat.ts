/** A server with browsers around it, and what tests ask of them again and again. */
import type { Timeline, TimelineItem } from "../timelines.ts";
import { Browser, type Tab } from "./browser.ts";
import type { TabClock } from "./tab-clock.ts";
import type { Site } from "./wire.ts";

export const PASSWORD = "correct horse";

/** What of a server in this process is used. */
export type ServerLike = {
  readonly gateway: Site;
  readonly clients: Iterable<{ published(topic: string, text: string): void }>;
  dispose(): Promise<void>;
};
type Broadcast = { publish(topic: string, text: string): void };

export class Chat<S extends ServerLike> {
  readonly server: S;
  private readonly browsers: Browser[];

  private constructor(server: S, browsers: Browser[]) {
    this.server = server;
    this.browsers = browsers;
  }

  static async start<S extends ServerLike>(
    start: (options: { broadcast: Broadcast }) => Promise<S>,
  ): Promise<Chat<S>> {
    const browsers: Browser[] = [];
    const publish = (topic: string, text: string) => {
      for (const client of server.clients) client.published(topic, text);
      for (const { wire } of browsers) wire.publish(topic, text);
    };
    const server: S = await start({ broadcast: { publish } });
    return new Chat(server, browsers);
  }

  browser(clock?: TabClock): Browser {
    const site: Site = {
      attach: (link, address, cookie) => this.server.gateway.attach(link, address, cookie),
    };
    const browser = new Browser(site, clock);
    this.browsers.push(browser);
    return browser;
  }

  /** Somebody new, signed in, in a browser of their own. */
  async person(name: string, clock?: TabClock): Promise<Tab> {
    const tab = this.browser(clock).open();
    await tab.app.session.signUp({ name, password: PASSWORD });
    await until(() => tab.app.conversations.loaded.value);
    return tab;
  }

  async end(): Promise<void> {
    for (const browser of this.browsers) await browser.close();
    await this.server.dispose();
  }
}

/** Waits until something holds; the test's own time limit ends it. */
export async function until(holds: () => unknown): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 2));
}

/** Opens a conversation and waits for its first page. */
export async function open(tab: Tab, reference: string): Promise<Timeline> {
  const timeline = tab.app.timelines.timeline(await tab.app.conversations.open(reference));
  await until(() => timeline.loaded.value);
  return timeline;
}

/** Posts through the outbox, as the composer does. */
export function say(tab: Tab, timeline: Timeline, text: string): void {
  const conversation = tab.app.conversations.byId(timeline.conversation).value;
  if (conversation === undefined) throw new Error("no such conversation");
  tab.app.pending.post(conversation, text);
}

/** What one reads: `ann: text`, own and not yet stored `(text)`, and the line as `---`. */
export function lines(timeline: Timeline): string[] {
  return timeline.items.value.flatMap(lineOf);
}

function lineOf(item: TimelineItem): string[] {
  switch (item.is) {
    case "message":
      return [`${item.message.author.name}: ${item.message.deleted ? "✗" : item.message.text}`];
    case "pending":
      return [`(${item.entry.text})`];
    case "new":
      return ["---"];
    case "day":
      return [];
  }
}

/** The view shows the end of the timeline, as it does when it is pinned there. */
export function lookAtEnd(timeline: Timeline): void {
  const last = timeline.items.value.findLast((item) => item.is === "message");
  timeline.setVisible(true, last?.is === "message" ? last.message.position : undefined);
}

/** A view that stays at the end, whatever comes. The answer ends it. */
export function pin(timeline: Timeline): () => void {
  const end = timeline.items.subscribe(() => queueMicrotask(() => lookAtEnd(timeline)));
  return () => {
    end();
    timeline.setVisible(false, undefined);
  };
}

/** Time passes, in steps in which everybody can keep up: beats come, answers go. */
export async function pass(
  clocks: readonly { jump(ms: number): void }[],
  ms: number,
): Promise<void> {
  const STEP_MS = 250;
  for (let left = ms; left > 0; left -= STEP_MS) {
    for (const clock of clocks) clock.jump(Math.min(left, STEP_MS));
    await new Promise((resolve) => setTimeout(resolve, 3));
  }
}
