/**
 * `holdfast demo` between the screen and the servers: what is typed becomes deeds, what becomes of them is said.
 *
 * Several times a second every server that runs is asked how it sees the cluster. What they say is shown when
 * it has changed and stays so for a moment; servers that are cut off from each other say different things, and
 * are shown apart.
 */
import { relative } from "node:path";
import type { Serving } from "../../server/parent-channel.ts";
import type { ChatScreen } from "../chat-screen.ts";
import { dim, plain, warn, wrap } from "../paint.ts";
import { printable } from "../printable.ts";
import { headline, statusText } from "../status-text.ts";
import {
  type Address,
  addressLines,
  endLines,
  helpLines,
  type Text,
  TRY_LINES,
  text,
  welcomeLines,
} from "./demo-texts.ts";
import { type Deed, deedOf, type ServerVerb } from "./demo-words.ts";
import { Fleet } from "./fleet.ts";
import type { End, ServerChild, ServerListener } from "./server-child.ts";

const LOOK_INTERVAL_MS = 400;
/** What goes on below a first line that is too long. */
const INDENT = 4;

export type DemoParts = {
  readonly folder: string;
  readonly ports: readonly number[];
  /** Ports that were wished for and are taken. */
  readonly taken: readonly number[];
  readonly version: string;
  readonly screen: Pick<ChatScreen, "width" | "print">;
  /** Whether somebody types: without, the demo ends with its last server. */
  readonly isTyped: boolean;
};

export class Demo implements ServerListener {
  /** Resolves with the exit status when it is over. */
  readonly over: Promise<number>;
  private readonly parts: DemoParts;
  private readonly fleet: Fleet;
  private readonly end = Promise.withResolvers<number>();
  private readonly startedMs = new Map<string, number>();
  private isLeaving = false;
  private isOpen = false;
  private seen = "";
  private said = "";
  private looking: Timer | null = null;

  constructor(parts: DemoParts) {
    this.parts = parts;
    this.over = this.end.promise;
    this.fleet = new Fleet(parts.folder, parts.ports, this);
  }

  begin(): void {
    this.say([text(dim("starting three servers ..."))]);
    for (const server of this.fleet.servers) this.start(server);
  }

  // What comes from the servers.

  serving(server: ServerChild): void {
    if (this.isOpen) {
      const tookMs = performance.now() - (this.startedMs.get(server.name) ?? 0);
      this.say([text(plain(`${server.name} is ready, after ${(tookMs / 1000).toFixed(1)} s`))]);
    }
    this.open();
  }

  ended(server: ServerChild, end: End): void {
    if (!this.isLeaving) this.say(endLines(server.name, server.place.logFile, end));
    this.open();
    const isOff = this.fleet.servers.every(({ state }) => state === "off");
    if (isOff && !this.isLeaving && !this.parts.isTyped) this.end.resolve(1);
  }

  /** Greets once every server is there, or is known not to come. */
  private open(): void {
    const { servers } = this.fleet;
    if (this.isOpen || this.isLeaving || servers.some(({ state }) => state === "starting")) return;
    const serving = servers.map((server) => server.serving).filter((one) => one !== null);
    if (serving.length === 0) {
      this.end.resolve(1);
      return;
    }
    this.isOpen = true;
    const { version, taken } = this.parts;
    const folder = here(this.parts.folder);
    const addresses = this.addresses();
    // A server with an old disk may not know yet of the administrator that there is.
    const known = serving.every(({ setup }) => setup !== null);
    const setup = known ? (serving[0] as Serving).setup : null;
    this.say(welcomeLines({ version, folder, addresses, taken, setup }));
    if (this.parts.isTyped) this.say(TRY_LINES);
    this.look();
  }

  private addresses(): Address[] {
    return this.fleet.servers
      .filter(({ serving }) => serving !== null)
      .map(({ name, serving }) => ({ name, url: (serving as Serving).url }));
  }

  // What is typed.

  line(line: string): void {
    const deed = deedOf(line);
    if (deed.kind !== "nothing") this.say([text(dim(printable(`> ${line}`)))]);
    this.run(deed);
  }

  private run(deed: Deed): void {
    switch (deed.kind) {
      case "nothing":
        break;
      case "servers":
        for (const name of deed.names) {
          const words = this.act(deed.verb, this.fleet.get(name) as ServerChild);
          if (words !== null) this.say([text(plain(words))]);
        }
        break;
      case "cut":
        this.cut(deed.one, deed.other);
        break;
      case "heal":
        this.heal();
        break;
      case "status":
        void this.status(deed.of);
        break;
      case "open":
        this.say(addressLines(this.addresses()));
        break;
      case "help":
        this.say(helpLines());
        break;
      case "exit":
        void this.leave();
        break;
      case "wrong":
        this.say([text(warn(printable(deed.why)))]);
        break;
      default:
        deed satisfies never;
    }
  }

  /** What is to be said at once; of an end and of a start more is said when it has come. */
  private act(verb: ServerVerb, server: ServerChild): string | null {
    const { name, state } = server;
    if (verb === "start") {
      if (state === "frozen") return `${name} is frozen: thaw ${name}`;
      if (state !== "off") return `${name} runs`;
      this.start(server);
      return null;
    }
    if (state === "off") return `${name} does not run: start ${name}`;
    switch (verb) {
      case "kill":
        server.kill();
        return null;
      case "stop":
        server.stop();
        return null;
      case "freeze":
        if (state === "frozen") return `${name} is frozen already`;
        server.freeze();
        return `${name} is frozen: silent, its port open. thaw ${name} lets it go on`;
      case "thaw":
        if (state !== "frozen") return `${name} is not frozen`;
        server.thaw();
        return `${name} goes on`;
      default:
        return verb satisfies never;
    }
  }

  private start(server: ServerChild): void {
    this.startedMs.set(server.name, performance.now());
    try {
      this.fleet.start(server);
    } catch (cause) {
      this.say([
        text(warn(`${server.name} can't be started: ${printable((cause as Error).message)}`)),
      ]);
    }
  }

  private cut(one: string, other: string): void {
    const words = this.fleet.cut(one, other)
      ? `the link between ${one} and ${other} is cut, both ways; heal mends it`
      : `the link between ${one} and ${other} is cut already`;
    this.say([text(plain(words))]);
  }

  private heal(): void {
    const healed = this.fleet.heal().map((pair) => pair.replace(" ", " and "));
    const words =
      healed.length === 0 ? "no link is cut" : `mended: the link of ${healed.join(", of ")}`;
    this.say([text(plain(words))]);
  }

  private async status(of: string | undefined): Promise<void> {
    const server = this.fleet.servers.find(
      ({ name, state }) => state === "running" && (of === undefined || of === name),
    );
    if (server?.serving == null) {
      this.say([text(plain(of === undefined ? "no server runs: start" : `${of} does not run`))]);
      return;
    }
    try {
      const width = this.parts.screen.width - 1;
      const rows = statusText(await this.fleet.status(server), width).split("\n");
      this.say([text(dim(`as ${server.name} sees it:`)), ...rows.map((row) => text(plain(row)))]);
    } catch (cause) {
      this.say([
        text(warn(`${server.name} does not answer: ${printable((cause as Error).message)}`)),
      ]);
    }
  }

  /** Stops all in good order; asked for again, at once. */
  async leave(): Promise<void> {
    if (this.isLeaving) {
      this.fleet.killAll();
      return;
    }
    this.isLeaving = true;
    if (this.looking !== null) clearTimeout(this.looking);
    this.say([text(plain("stopping ..."))]);
    await this.fleet.stopAll();
    this.say([text(plain(`stopped; everything is kept in ${here(this.parts.folder)}`))]);
    this.end.resolve(0);
  }

  /** This process is about to go: its servers notice, and stop by themselves, once they are not frozen. */
  abandon(): void {
    for (const server of this.fleet.servers) {
      if (server.state === "frozen") server.thaw();
    }
  }

  // What the servers say of the cluster.

  private look(): void {
    this.looking = setTimeout(async () => {
      const words = await this.clusterInWords();
      if (this.isLeaving) return;
      if (words === this.seen && words !== this.said) {
        this.said = words;
        if (words !== "") this.say(words.split("\n").map((line) => text(dim(`· ${line}`))));
      }
      this.seen = words;
      this.look();
    }, LOOK_INTERVAL_MS);
  }

  /** A line for each view that there is; empty as long as somebody does not answer. */
  private async clusterInWords(): Promise<string> {
    const running = this.fleet.servers.filter(({ state }) => state === "running");
    const views = new Map<string, string[]>();
    const asked = running.map(async (server) => {
      const status = await this.fleet.status(server);
      const words = headline(status).replace(/^\d+ servers: /, "");
      views.set(words, [...(views.get(words) ?? []), server.name]);
    });
    const outcomes = await Promise.allSettled(asked);
    if (outcomes.some(({ status }) => status === "rejected")) return "";
    return [...views]
      .map(([words, names]) => `seen from ${names.sort().join(", ")}: ${words}`)
      .sort()
      .join("\n");
  }

  private say(lines: readonly Text[]): void {
    const { screen } = this.parts;
    const width = screen.width - 1;
    const rows = lines.flatMap(({ spans, isWhole }) =>
      isWhole ? [spans] : wrap(spans, width, INDENT),
    );
    screen.print(rows);
  }
}

/** As short as it can be said from the current folder. */
function here(folder: string): string {
  const way = relative(".", folder);
  return way === "" || way.startsWith("..") ? folder : way;
}
