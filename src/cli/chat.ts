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
 *  1. A message is shown at most once (see Transcript), whichever way it came.
 *  2. The SDK's cursor moves past a message only after it was shown: listeners return when it was.
 *  3. Lines of one source are shown in the order in which they came: everything passes `queue`.
 */
import type { Client, ClientEvents, Conversation, Message } from "../client/index.ts";
import { HoldfastError } from "../client/index.ts";
import { type Input, parseInput } from "./chat-input.ts";
import { membershipNotice, StoredNotices } from "./chat-notices.ts";
import { ChatPrompt } from "./chat-prompt.ts";
import type { ChatScreen } from "./chat-screen.ts";
import type { Calendar } from "./format.ts";
import type { Span } from "./paint.ts";
import { type Place, Places } from "./places.ts";
import { printable } from "./printable.ts";
import { ReadMarks } from "./read-marks.ts";
import { Transcript } from "./transcript.ts";
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
  /** The conversation to begin in; its id may be a name. */
  readonly place?: { readonly id: string; readonly name: string } | undefined;
  readonly keepPlace?: (place: Place) => void;
};

type Waiting = Unread & { readonly conversation: Conversation };
type Held = { readonly kind: "posted" | "changed"; readonly message: Message };

const GATHER_AGAIN_MS = 1_000;

export class Chat {
  readonly client: ChatClient;
  readonly screen: ChatScreen;
  readonly places: Places;
  readonly transcript: Transcript;
  readonly options: ChatOptions;
  /** Whether something that was asked for was refused. */
  failed = false;
  /** Set while a command ends the session itself: that needs no words. */
  ending = false;
  /** Settled when what waited is shown. */
  readonly ready: Promise<void>;
  private readonly isReady: () => void;
  /** Settled when the chat is to be left. */
  readonly left: Promise<void>;
  private readonly leaveNow: () => void;
  private isLeaving = false;
  private readonly prompt: ChatPrompt;
  private readonly marks: ReadMarks;
  private readonly stored = new StoredNotices();
  private place: Place | undefined;
  /** The place to begin in, until a server said what it is; `arriving` while it is asked. */
  private beginning: Place | undefined;
  private arriving: Promise<void> = Promise.resolve();
  /** What came while what waited is being gathered; undefined from then on. */
  private held: Held[] | undefined = [];
  private unheld: { promise: Promise<void>; resolve: () => void };
  private gathering = false;
  private mustGather: boolean;
  private queue: Promise<void> = Promise.resolve();
  private inputs: Promise<void> = Promise.resolve();
  private readonly drained = new Set<() => void>();

  constructor(options: ChatOptions) {
    const { client, screen, calendar, wallMs } = options;
    this.options = options;
    this.client = client;
    this.screen = screen;
    this.places = new Places(client);
    this.marks = new ReadMarks(client, options.schedule);
    const shown = (message: Message) => this.marks.read(message);
    this.transcript = new Transcript({ screen, calendar, wallMs, shown });
    this.prompt = new ChatPrompt(client, (text) => screen.prompt(text));
    this.mustGather = !options.resumes;
    this.unheld = Promise.withResolvers<void>();
    const left = Promise.withResolvers<void>();
    this.left = left.promise;
    this.leaveNow = left.resolve;
    const ready = Promise.withResolvers<void>();
    this.ready = ready.promise;
    this.isReady = ready.resolve;
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
    // Known by name only, until a server says more: what is typed can go there already.
    this.beginning = this.options.place && { ...this.options.place, topic: "" };
    if (this.beginning !== undefined) this.enter(this.beginning);
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
      if (this.isLeaving) return;
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
    this.isLeaving = true;
    this.leaveNow();
  }

  enter(place: Place | undefined, announce = false): void {
    const isNew = place !== undefined && place.id !== this.place?.id;
    this.place = place;
    this.prompt.place(place?.name);
    if (isNew && place !== this.beginning) this.options.keepPlace?.(place);
    if (announce && place !== undefined) this.rule(place);
  }

  rule(place: Place): void {
    const topic = place.topic === "" ? "" : ` · ${place.topic}`;
    this.transcript.rule(`${place.name}${topic}`);
  }

  // What is shown.

  print(lines: readonly (readonly Span[])[]): void {
    this.transcript.print(lines);
  }

  notice(text: string): void {
    this.transcript.notice(text);
  }

  /** Something that was asked for did not happen. */
  trouble(text: string): void {
    this.failed = true;
    this.transcript.trouble(text);
  }

  refused(error: unknown): void {
    if (!(error instanceof HoldfastError)) throw error;
    this.trouble(`${error.code}: ${error.message}`);
  }

  /** The end of a block: what comes now is live, and of the current conversation unless it says so. */
  endBlock(): void {
    if (this.place !== undefined) this.rule(this.place);
    else this.transcript.rule("now");
  }

  private async show({ kind, message }: Held): Promise<void> {
    if (kind === "posted" && this.transcript.has(message)) return;
    const name = await this.places.nameOf(message.conversation);
    const where = message.conversation === this.place?.id ? undefined : name;
    if (kind === "posted") this.transcript.message(message, where);
    else if (message.edited || message.deleted) this.transcript.change(message, where);
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
    const isNew = (message: Message) => !this.transcript.has(message);
    for (const { conversation, messages } of found) {
      blocks.set(conversation.id, messages.filter(isNew));
    }
    for (const { kind, message } of held) {
      if (kind !== "posted" || !isNew(message)) continue;
      const block = blocks.get(message.conversation) ?? [];
      blocks.set(message.conversation, block);
      if (!block.some(({ id }) => id === message.id)) block.push(message);
    }
    const older = new Set(
      found.filter(({ more }) => more).map(({ conversation }) => conversation.id),
    );
    const told = new Set([...blocks.values()].flat().map(({ id }) => id));
    void this.after(async () => {
      await this.arriving;
      for (const [id, messages] of blocks) {
        if (messages.length === 0) continue;
        messages.sort((a, b) => (a.position < b.position ? -1 : 1));
        const name = await this.places.nameOf(id);
        const count = messages.filter(({ author }) => author.id !== this.client.account?.id).length;
        const more = older.has(id) ? ", older ones in /history" : "";
        this.transcript.block(`${name}: ${count} waiting${more}`, messages);
      }
      if (told.size > 0 || this.place !== undefined) this.endBlock();
      for (const item of held) {
        if (item.kind === "changed" && !told.has(item.message.id)) await this.show(item);
      }
      resolve();
      this.isReady();
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
    if (status.state !== "live") return;
    if (this.beginning !== undefined) this.arriving = this.arrive(this.beginning);
    if (this.mustGather) void this.gather();
    this.marks.again();
  }

  /** Finds out about the place to begin in. */
  private async arrive(beginning: Place): Promise<void> {
    this.beginning = undefined;
    const isStill = () => this.place === beginning;
    try {
      const place = await this.places.find(beginning.id);
      if (isStill()) this.enter(place);
    } catch (error) {
      if (error instanceof HoldfastError && error.retry) {
        this.beginning = beginning;
      } else {
        this.refused(error);
        if (isStill()) this.enter(undefined);
      }
    }
  }

  private outboxChanged({ entry, dropped }: ClientEvents["outbox"]): void {
    if (entry.state === "stored" && entry.message !== undefined && !dropped) {
      const { message } = entry;
      // Its event may be held or on its way: whichever comes first is shown.
      if (this.held === undefined) void this.after(() => this.show({ kind: "posted", message }));
      const words = entry.receipt && this.stored.next(entry.receipt);
      if (words !== undefined && this.options.interactive)
        void this.after(async () => this.notice(words));
    } else if (entry.state === "failed" && !dropped) {
      const to = this.places.byRef(entry.to)?.name ?? entry.to;
      this.trouble(
        `not sent to ${to}: ${entry.error?.code}: ${entry.error?.message}\n${entry.text}`,
      );
      this.client.outbox.drop(entry.id);
    }
    this.prompt.refresh();
    if (this.client.outbox.entries.length > 0) return;
    for (const resolve of this.drained) resolve();
    this.drained.clear();
  }

  private signedOut(reason: string): void {
    if (!this.ending) this.trouble(`signed out: ${reason}`);
    this.leave();
  }
}
