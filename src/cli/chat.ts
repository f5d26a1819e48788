/**
 * The chat: what waited first, then what comes, and what is typed.
 *
 * Problem: messages arrive by replay, by reading history and live, some of them twice; the connection comes and
 * goes; and what is shown has to be in order, once, and marked as read. Approach: a state machine over the
 * SDK. While what waited is being gathered, everything that arrives is held; then it is shown by conversation
 * and in order, and from there on each message as it comes. Own messages are shown when they are stored, not when they are
 * typed: what stands on the screen is what everybody sees. Rejected: showing them at once and taking them back.
 *
 * Invariants:
 *  1. A message is shown at most once (`shown`), whichever way it came.
 *  2. The SDK's cursor moves past a message only after it was shown: listeners return when it was.
 *  3. Lines of one source are shown in the order in which they came: everything passes `queue`.
 */
import type { Client, ClientEvents, Conversation, Message } from "../client/index.ts";
import { HoldfastError } from "../client/index.ts";
import type { ChatScreen } from "./chat-screen.ts";
import { type Input, parseInput } from "./chat-input.ts";
import { ChatPrompt } from "./chat-prompt.ts";
import { membershipNotice } from "./chat-notices.ts";
import { ReadMarks } from "./read-marks.ts";
import { type Calendar, changedLines, dayKey, dayText, messageLines, noticeLines, ruleLine } from "./format.ts";
import { type Span, warn, wrap } from "./paint.ts";
import { type Place, Places } from "./places.ts";
import { printable, printableLines } from "./printable.ts";
import { allConversations, type Unread, unreadOf } from "./unread.ts";
import { carryOut } from "./verbs.ts";

export type ChatClient = Pick<Client, "account" | "connection" | "outbox" | "call" | "on">;

export type ChatOptions = {
  readonly client: ChatClient;
  readonly screen: ChatScreen;
  readonly calendar: Calendar;
  readonly wallMs: () => number;
  readonly schedule: (ms: number, run: () => void) => () => void;
  /** Whether this device has a cursor: what was missed then comes as events. */
  readonly resumes: boolean;
  /** Somebody types; otherwise lines come from a pipe. */
  readonly interactive: boolean;
  /** The conversation to begin in: a name or an id. */
  readonly place?: string | undefined;
  readonly keepPlace?: (id: string) => void;
};

type Waiting = Unread & { readonly conversation: Conversation };
type Held = { readonly kind: "posted" | "changed"; readonly message: Message };

const SHOWN_MAX = 8_192;
const GATHER_AGAIN_MS = 1_000;

export class Chat {
  readonly client: ChatClient;
  readonly screen: ChatScreen;
  readonly places: Places;
  readonly options: ChatOptions;
  /** Whether something that was asked for was refused. */
  failed = false;
  /** Settled when the chat is to be left. */
  readonly left: Promise<void>;
  private readonly leaveNow: () => void;
  private readonly prompt: ChatPrompt;
  private readonly marks: ReadMarks;
  private readonly shown = new Set<string>();
  private place: Place | undefined;
  private day: string;
  /** What came while what waited is being gathered; undefined from then on. */
  private held: Held[] | undefined = [];
  private unheld: { promise: Promise<void>; resolve: () => void };
  private gathering = false;
  private mustGather: boolean;
  private queue: Promise<void> = Promise.resolve();
  private inputs: Promise<void> = Promise.resolve();
  private readonly drained = new Set<() => void>();

  constructor(options: ChatOptions) {
    const { client, screen } = options;
    this.options = options;
    this.client = client;
    this.screen = screen;
    this.places = new Places(client);
    this.marks = new ReadMarks(client, options.schedule);
    this.prompt = new ChatPrompt(client, (text) => screen.prompt(text));
    this.mustGather = !options.resumes;
    this.day = this.dayOf(options.wallMs());
    this.unheld = Promise.withResolvers<void>();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.left = promise;
    this.leaveNow = resolve;
  }

  /** Begins to listen. Lines may be given at once: they wait until the chat is where it begins. */
  start(): void {
    const { client } = this;
    client.on("message.posted", ({ message }) => this.arrived({ kind: "posted", message }));
    client.on("message.changed", ({ message }) => this.arrived({ kind: "changed", message }));
    client.on("caught_up", () => this.caughtUp());
    client.on("reset", () => this.gatherAnew());
    client.on("connection", (status) => this.connectionChanged(status));
    client.on("outbox", (change) => this.outboxChanged(change));
    client.on("signed_out", ({ reason }) => this.signedOut(reason));
    client.on("conversation.opened", ({ conversation }) => this.opened(conversation));
    client.on("channel.changed", ({ channel }) => {
      const before = this.places.get(channel.id);
      const now = this.places.learnChannel(channel);
      if (this.place?.id === now.id) this.enter(now);
      if (this.held !== undefined || before === undefined) return;
      if (before.name !== now.name) this.notice(`${before.name} is called ${now.name} now`);
      if (before.topic !== now.topic) this.notice(`${now.name}: ${now.topic || "no topic"}`);
    });
    client.on("account.changed", ({ account }) => {
      const direct = this.place?.account === account.id;
      this.places.rename(account);
      if (direct) this.enter(this.places.get((this.place as Place).id) ?? (this.place as Place));
    });
    client.on("member.changed", (change) => this.memberChanged(change));
    client.on("fault", ({ where, error }) => {
      if (where === "storage") this.trouble(`cannot keep what waits on this device: ${error}`);
    });
    this.prompt.refresh();
    const { place } = this.options;
    if (place !== undefined) this.take({ kind: "go", to: place });
    this.connectionChanged(client.connection);
  }

  get current(): Place | undefined {
    return this.place;
  }

  // What is typed.

  /** A line of input. Lines are carried out one after the other. */
  line(text: string): void {
    this.take(parseInput(text));
  }

  private take(input: Input): void {
    this.inputs = this.inputs.then(async () => {
      try {
        await carryOut(this, input);
      } catch (error) {
        this.refused(error);
      }
    });
  }

  /** Settled when every line so far is carried out. */
  async idle(): Promise<void> {
    await this.inputs;
    await this.queue;
  }

  /** Settled when nothing waits to be sent any more. */
  async emptied(): Promise<void> {
    if (this.client.outbox.entries.length === 0) return;
    await new Promise<void>((resolve) => this.drained.add(resolve));
  }

  /** Shows what still waits to be shown, and marks it as read. */
  async finish(): Promise<void> {
    await this.queue;
    await this.marks.flush();
    this.prompt.end();
  }

  leave(): void {
    this.leaveNow();
  }

  enter(place: Place | undefined, announce = false): void {
    const isNew = place !== undefined && place.id !== this.place?.id;
    this.place = place;
    this.prompt.place(place?.name);
    if (isNew) this.options.keepPlace?.(place.id);
    if (announce && place !== undefined) this.rule(place);
  }

  rule(place: Place): void {
    const topic = place.topic === "" ? "" : ` · ${place.topic}`;
    this.print([ruleLine(`${place.name}${topic}`, this.screen.width)]);
  }

  // What is shown.

  print(lines: readonly (readonly Span[])[]): void {
    this.screen.print(lines);
  }

  notice(text: string): void {
    this.print(noticeLines(text, this.screen.width));
  }

  /** Something that was asked for did not happen. */
  trouble(text: string): void {
    this.failed = true;
    this.print(
      printableLines(text).flatMap((line) => wrap([warn(`! ${line}`)], this.screen.width, 2)),
    );
  }

  refused(error: unknown): void {
    if (!(error instanceof HoldfastError)) throw error;
    this.trouble(`${error.code}: ${error.message}`);
  }

  /** Messages of one conversation, as a block of their own. */
  showBlock(title: string, messages: readonly Message[], where?: (message: Message) => string): void {
    const { width } = this.screen;
    const lines: Span[][] = [ruleLine(title, width)];
    let day = this.dayOf(this.options.wallMs());
    for (const message of messages) {
      day = this.dayLine(message, day, lines);
      const look = { width, calendar: this.options.calendar };
      lines.push(
        ...messageLines(message, where === undefined ? look : { ...look, where: where(message) }),
      );
      if (where === undefined) this.noted(message);
    }
    this.print(lines);
  }

  /** The end of a block: what comes now is live, and of the current conversation unless it says so. */
  endBlock(): void {
    if (this.place !== undefined) this.rule(this.place);
    else this.print([ruleLine("now", this.screen.width)]);
  }

  private noted(message: Message): void {
    this.shown.add(message.id);
    if (this.shown.size > SHOWN_MAX) this.shown.delete(this.shown.values().next().value as string);
    this.marks.read(message);
  }

  private async show({ kind, message }: Held): Promise<void> {
    if (kind === "posted" && this.shown.has(message.id)) return;
    const name = await this.places.nameOf(message.conversation);
    const { width } = this.screen;
    const look = {
      width,
      calendar: this.options.calendar,
      ...(message.conversation === this.place?.id ? {} : { where: name }),
    };
    if (kind === "changed") {
      if (message.edited || message.deleted) this.print(changedLines(message, look));
      return;
    }
    const lines: Span[][] = [];
    this.day = this.dayLine(message, this.day, lines);
    this.print([...lines, ...messageLines(message, look)]);
    this.noted(message);
  }

  private dayLine(message: Message, before: string, lines: Span[][]): string {
    const moment = this.options.calendar(message.at);
    const day = dayKey(moment);
    if (day !== before) lines.push(ruleLine(dayText(moment), this.screen.width));
    return day;
  }

  private dayOf(ms: number): string {
    return dayKey(this.options.calendar(ms));
  }

  // What comes.

  private arrived(item: Held): Promise<void> {
    if (this.held !== undefined) {
      this.held.push(item);
      return this.unheld.promise;
    }
    return this.after(() => this.show(item));
  }

  /** Runs it when everything before is shown. */
  private after(run: () => Promise<void>): Promise<void> {
    this.queue = this.queue.then(run);
    return this.queue;
  }

  private caughtUp(): void {
    if (this.held !== undefined && !this.mustGather && !this.gathering) this.release([]);
  }

  private gatherAnew(): void {
    if (this.held === undefined) {
      this.held = [];
      this.unheld = Promise.withResolvers<void>();
    }
    this.mustGather = true;
    void this.gather();
  }

  private async gather(): Promise<void> {
    if (!this.mustGather || this.gathering || this.client.account === undefined) return;
    this.gathering = true;
    this.mustGather = false;
    const found: Waiting[] = [];
    try {
      for (const conversation of await allConversations(this.client)) {
        this.places.learn(conversation);
        if (conversation.unread === 0) continue;
        found.unshift({ conversation, ...(await unreadOf(this.client, conversation)) });
      }
      if (!this.mustGather) this.release(found);
    } catch (error) {
      // Away again: once more when a server is back. Anything else is said, and the chat goes on.
      this.mustGather = error instanceof HoldfastError && error.retry;
      if (!this.mustGather) {
        this.refused(error);
        this.release([]);
      }
    } finally {
      this.gathering = false;
      if (this.mustGather) this.options.schedule(GATHER_AGAIN_MS, () => void this.gather());
    }
  }

  /** Shows what waited, by conversation and in order; from then on everything as it comes. */
  private release(found: readonly Waiting[]): void {
    const held = this.held ?? [];
    this.held = undefined;
    const { resolve } = this.unheld;
    const blocks = new Map<string, Message[]>();
    const isNew = ({ id }: Message) => !this.shown.has(id);
    for (const { conversation, messages } of found) {
      blocks.set(conversation.id, messages.filter(isNew));
    }
    for (const { kind, message } of held) {
      if (kind !== "posted" || !isNew(message)) continue;
      const block = blocks.get(message.conversation) ?? [];
      blocks.set(message.conversation, block);
      if (!block.some(({ id }) => id === message.id)) block.push(message);
    }
    const older = new Set(found.filter(({ more }) => more).map(({ conversation }) => conversation.id));
    const told = new Set([...blocks.values()].flat().map(({ id }) => id));
    void this.after(async () => {
      for (const [id, messages] of blocks) {
        if (messages.length === 0) continue;
        messages.sort((a, b) => (a.position < b.position ? -1 : 1));
        const name = await this.places.nameOf(id);
        const count = messages.filter(({ author }) => author.id !== this.client.account?.id).length;
        const more = older.has(id) ? ", older ones in /history" : "";
        this.showBlock(`${name}: ${count} waiting${more}`, messages);
      }
      if (told.size > 0) this.endBlock();
      for (const item of held) {
        if (item.kind === "changed" && !told.has(item.message.id)) await this.show(item);
      }
      resolve();
    });
  }

  private opened(conversation: Conversation): void {
    this.places.learn(conversation);
    if (this.held !== undefined || conversation.unread === 0) return;
    void this.after(async () => {
      try {
        const { messages } = await unreadOf(this.client, conversation);
        for (const message of messages) await this.show({ kind: "posted", message });
      } catch (error) {
        this.refused(error);
      }
    });
  }

  private memberChanged(change: ClientEvents["member.changed"]): void {
    const own = change.account.id === this.client.account?.id;
    // What was missed is told where it asks for something: an invitation.
    if (this.held !== undefined && !(own && change.standing === "invited")) return;
    void this.after(async () => {
      const name = await this.places.nameOf(change.conversation);
      const text = membershipNotice(change, own, printable(name));
      if (text !== undefined) this.notice(text);
      const isOut = own && (change.standing === "none" || change.standing === "banned");
      if (isOut && this.place?.id === change.conversation) this.enter(undefined);
    });
  }

  private connectionChanged(status: ClientEvents["connection"]): void {
    this.prompt.refresh();
    const told = this.prompt.told(status);
    if (told !== undefined && this.options.interactive) this.notice(told);
    if (status.state === "live" && this.mustGather) void this.gather();
    if (status.state === "live") this.marks.again();
  }

  private outboxChanged({ entry, dropped }: ClientEvents["outbox"]): void {
    if (entry.state === "stored" && entry.message !== undefined && !dropped) {
      const { message } = entry;
      // Its event may be held or on its way: whichever comes first is shown.
      if (this.held === undefined) void this.after(() => this.show({ kind: "posted", message }));
    } else if (entry.state === "failed" && !dropped) {
      const to = this.places.get(entry.to)?.name ?? entry.to;
      this.trouble(`not sent to ${to}: ${entry.error?.code}: ${entry.error?.message}\n${entry.text}`);
      this.client.outbox.drop(entry.id);
    }
    this.prompt.refresh();
    if (this.client.outbox.entries.length > 0) return;
    for (const resolve of this.drained) resolve();
    this.drained.clear();
  }

  private signedOut(reason: string): void {
    this.trouble(`signed out: ${reason}`);
    this.leave();
  }
}
