/**
 * The own conversations, and those one only looks at.
 *
 * The server's list is read whole once, page by page; from then on events keep it. What an event does not say
 * (what is left unread after a deletion, how many members there are) the server is asked, one conversation at a
 * time and shortly after, so that a burst costs one question. Rejected: reading the list again at each doubt.
 */
import { batch, computed, type ReadonlySignal, signal } from "@preact/signals";
import {
  type Author,
  type Channel,
  type Client,
  type Clock,
  type Conversation,
  HoldfastError,
  type Message,
} from "../../client/index.ts";
import {
  type ConversationState,
  isOwn,
  isUnclear,
  stateOf,
  UNREAD_MAX,
  withAccount,
  withAnswer,
  withChanged,
  withChannel,
  withMarker,
  withPosted,
  withStanding,
} from "./conversation-state.ts";
import { Doubts } from "./doubts.ts";
import { textOf } from "./errors.ts";
import { LIST_PAGE } from "./first-words.ts";
import { ReadMarks } from "./read-marks.ts";
import { Recent } from "./recent.ts";

export type { ConversationState } from "./conversation-state.ts";

export interface Conversations {
  /** The own ones, newest activity first. */
  readonly list: ReadonlySignal<readonly ConversationState[]>;
  /** Whether `list` is whole. */
  readonly loaded: ReadonlySignal<boolean>;
  /** Why it could not be loaded, in people's words; it is tried again by itself. */
  readonly error: ReadonlySignal<string | undefined>;
  /** Also of one that is not in the list: a public channel that one looks at. */
  byId(id: string): ReadonlySignal<ConversationState | undefined>;
  /** At most 1000, which means more. */
  readonly totalUnread: ReadonlySignal<number>;
  /** Goes to what `@bob`, `#ops` or an id stands for; the answer is its id. Rejects with HoldfastError. */
  open(reference: string): Promise<string>;
  /** Moves the own marker, soon and never backwards. */
  markRead(id: string, upTo: string): void;
}

const PAGE = 500;
const AGAIN_MS = 2_000;
const SELECTIONS_MAX = 500;

type Entry = {
  readonly conversation: Conversation;
  /** Belongs to the own list; also a direct conversation that was opened here and never used. */
  readonly listed: boolean;
  /** Wall-clock ms at which it was opened here: as good as a message for its place in the list. */
  readonly touchedMs: number;
};

export type ConversationParts = {
  readonly client: Client;
  readonly clock: Clock;
  readonly me: ReadonlySignal<string | undefined>;
  readonly hasDraft: (id: string) => boolean;
  readonly pendingIn: (id: string) => number;
  /** Somebody is shown; `online` if that is known. */
  readonly met: (author: Author, online: boolean | undefined) => void;
  readonly go: (id: string) => void;
  /** One can no longer read it. */
  readonly gone: (state: ConversationState) => void;
};

export class LiveConversations implements Conversations {
  readonly list: ReadonlySignal<readonly ConversationState[]>;
  readonly totalUnread: ReadonlySignal<number>;
  readonly loaded = signal(false);
  readonly error = signal<string | undefined>(undefined);
  readonly marks: ReadMarks;
  readonly #doubts: Doubts;
  readonly #parts: ConversationParts;
  readonly #client: Client;
  readonly #clock: Clock;
  readonly #entries = new Map<string, Entry>();
  /** Moves with every change of the entries. */
  readonly #version = signal(0);
  readonly #states = new WeakMap<Conversation, ConversationState>();
  readonly #selections = new Recent<string, ReadonlySignal<ConversationState | undefined>>(
    SELECTIONS_MAX,
  );
  /** Counts accounts: what was asked for one is nothing to the next. */
  #era = 0;
  #loading: Promise<void> | undefined;
  #loadAgain = false;
  /** Came by an event while the list was being read. */
  #born = new Set<string>();
  #cancelAgain: (() => void) | undefined;
  #opens = 0;

  constructor(parts: ConversationParts) {
    this.#parts = parts;
    this.#client = parts.client;
    this.#clock = parts.clock;
    this.marks = new ReadMarks(this.#client, this.#clock, (id, upTo, unread) =>
      this.#told(id, upTo, unread),
    );
    this.#doubts = new Doubts(this.#client, this.#clock, (id) => this.#refresh(id));
    let shown: readonly ConversationState[] = [];
    this.list = computed(() => {
      void this.#version.value;
      const listed = [...this.#entries.values()].filter((entry) => entry.listed);
      const states = listed.sort(byActivity).map((entry) => this.#stateOf(entry));
      if (!sameItems(states, shown)) shown = states;
      return shown;
    });
    this.totalUnread = computed(() => {
      const sum = this.list.value.reduce((total, { unread }) => total + unread, 0);
      return Math.min(UNREAD_MAX, sum);
    });
  }

  byId(id: string): ReadonlySignal<ConversationState | undefined> {
    return this.#selections.getOrMake(id, () =>
      computed(() => {
        void this.#version.value;
        const entry = this.#entries.get(id);
        return entry === undefined ? undefined : this.#stateOf(entry);
      }),
    );
  }

  async open(reference: string): Promise<string> {
    const turn = ++this.#opens;
    const known = this.find(reference);
    const id = known ?? (await this.resolve(reference)).id;
    // Whoever went on to another one meanwhile is not pulled back.
    if (turn === this.#opens) this.#parts.go(id);
    return id;
  }

  markRead(id: string, upTo: string): void {
    const entry = this.#entries.get(id);
    if (entry === undefined || (entry.conversation.marker ?? "") > upTo) return;
    this.#change(id, (before) => withMarker(before, upTo));
    if (upTo >= (entry.conversation.last?.position ?? "")) {
      this.#change(id, (before) => (before.unread === 0 ? before : { ...before, unread: 0 }));
    }
    this.marks.mark(id, upTo);
  }

  // For the other parts.

  get(id: string): Conversation | undefined {
    return this.#entries.get(id)?.conversation;
  }

  /** What to name a conversation by in a request: one that was never used has no id for the server yet. */
  referenceOf(id: string): string {
    const conversation = this.get(id);
    const isUnused = conversation?.kind === "direct" && conversation.last === undefined;
    return (isUnused ? conversation.account?.id : undefined) ?? id;
  }

  /** The conversation that a message to this name or id goes to, as far as it is known here. */
  find(reference: string): string | undefined {
    void this.#version.value;
    if (this.#entries.has(reference)) return reference;
    const folded = reference.toLowerCase();
    for (const [id, { conversation }] of this.#entries) {
      if (conversation.account?.id === reference) return id;
      if (/^[@#]/.test(folded) && conversation.name === folded) return id;
    }
    return undefined;
  }

  /** Asks the server what a reference stands for; the answer stays. */
  async resolve(reference: string): Promise<Conversation> {
    const era = this.#era;
    const { conversation } = await this.#client.call("conversation.resolve", { in: reference });
    if (era !== this.#era) throw new HoldfastError("session_ended", "somebody else signed in");
    const isNew = !this.#entries.has(conversation.id);
    this.#put(conversation, isNew && conversation.last === undefined ? this.#clock.wallMs() : 0);
    return conversation;
  }

  /** Reads the list anew. */
  load(): Promise<void> {
    this.#loadAgain = this.#loading !== undefined;
    this.#loading ??= this.#loadAll().finally(() => {
      this.#loading = undefined;
      if (this.#loadAgain) void this.load();
    });
    return this.#loading;
  }

  /** A new connection: those whose presence is shown are told to it, and what is doubtful is asked. */
  async connected(): Promise<void> {
    if (!this.loaded.peek()) return this.#loading ?? this.load();
    this.marks.again();
    const era = this.#era;
    const page = await this.#client
      .call("conversation.list", { limit: LIST_PAGE })
      .catch(() => null);
    if (page !== null && era === this.#era) this.#take(page.conversations);
    this.#doubts.again();
  }

  /** What an earlier load of the page showed: until the server says more. */
  seed(conversations: readonly Conversation[]): void {
    batch(() => {
      for (const conversation of conversations) {
        if (!this.#entries.has(conversation.id)) this.#put(conversation, 0);
      }
    });
  }

  /** Another account, or none. */
  clear(): void {
    this.#era++;
    this.#entries.clear();
    this.#doubts.clear();
    this.marks.clear();
    this.#cancelAgain?.();
    this.#loadAgain = false;
    this.loaded.value = false;
    this.error.value = undefined;
    this.#version.value++;
  }

  // Events.

  posted(message: Message, isWatched: boolean): void {
    const id = message.conversation;
    const me = this.#parts.me.peek();
    const known = this.get(id);
    if (known === undefined || isUnclear(known, message, me)) this.#doubts.about(id);
    this.#born.add(id);
    this.#change(id, (before) => withPosted(before, message, me, isWatched));
  }

  changed(message: Message): void {
    const before = this.get(message.conversation);
    if (before === undefined) return;
    if (isUnclear(before, message, this.#parts.me.peek())) this.#doubts.about(message.conversation);
    this.#change(message.conversation, (conversation) => withChanged(conversation, message));
  }

  opened(conversation: Conversation): void {
    this.#born.add(conversation.id);
    this.#put(conversation, this.#clock.wallMs());
    // Who was told of by an event is not watched: asking is what makes the server tell who comes and goes.
    if (conversation.kind === "direct") this.#doubts.about(conversation.id);
  }

  /** The own standing in a channel. */
  standing(id: string, standing: Channel["standing"] | "banned" | "none"): void {
    const before = this.#entries.get(id);
    if (standing === "banned" || standing === "none") {
      if (before === undefined) return;
      const state = this.#stateOf(before);
      if (standing === "banned" || state.private === true) this.#remove(id);
      else this.#change(id, (conversation) => withStanding(conversation, undefined));
      this.#parts.gone(state);
    } else if (before !== undefined) {
      this.#born.add(id);
      this.#change(id, (conversation) => withStanding(conversation, standing));
    } else if (standing === "invited") {
      void this.load(); // what one may not read yet is told by the list alone
    } else {
      this.#doubts.about(id);
    }
  }

  /** Somebody else came to a channel, or went. */
  membersChanged(id: string): void {
    if (this.#entries.has(id)) this.#doubts.about(id);
  }

  channelChanged(channel: Channel): void {
    this.#change(channel.id, (before) => withChannel(before, channel));
  }

  accountChanged(author: Author): void {
    batch(() => {
      for (const id of [...this.#entries.keys()]) {
        this.#change(id, (before) => withAccount(before, author));
      }
    });
  }

  markerMoved(id: string, upTo: string): void {
    this.#change(id, (before) => withMarker(before, upTo));
    if ((this.get(id)?.unread ?? 0) > 0) this.#doubts.about(id);
  }

  presence(account: string, online: boolean): void {
    const id = this.find(account);
    if (id !== undefined && id !== account) this.#change(id, (before) => ({ ...before, online }));
  }

  /** Without a connection nobody knows who is here. It is asked again for the list, and for `open`, which may not be in it. */
  presenceUnknown(open: string | undefined): void {
    for (const [id, { conversation }] of this.#entries) {
      const { online, ...rest } = conversation;
      if (online === undefined) continue;
      this.#change(id, () => rest);
      if (id === open) this.#doubts.about(id);
    }
  }

  // Changing the entries.

  #put(conversation: Conversation, touchedMs: number): void {
    const { id, account, online } = conversation;
    const before = this.#entries.get(id);
    this.#entries.set(id, {
      conversation: withAnswer(before?.conversation, conversation),
      listed: isOwn(conversation),
      touchedMs: Math.max(touchedMs, before?.touchedMs ?? 0),
    });
    this.#version.value++;
    if (account !== undefined) this.#parts.met(account, online);
    if (conversation.last !== undefined) this.#parts.met(conversation.last.author, undefined);
  }

  #change(id: string, to: (before: Conversation) => Conversation): void {
    const entry = this.#entries.get(id);
    if (entry === undefined) return;
    const conversation = to(entry.conversation);
    if (conversation === entry.conversation) return;
    const listed = isOwn(conversation);
    this.#entries.set(id, { ...entry, conversation, listed });
    this.#version.value++;
  }

  #remove(id: string): void {
    if (this.#entries.delete(id)) this.#version.value++;
  }

  #stateOf({ conversation }: Entry): ConversationState {
    const draft = this.#parts.hasDraft(conversation.id);
    const pending = this.#parts.pendingIn(conversation.id);
    const known = this.#states.get(conversation);
    if (known && (known.draft ?? false) === draft && known.pending === pending) return known;
    const state = stateOf(conversation, { me: this.#parts.me.value, draft, pending });
    this.#states.set(conversation, state);
    return state;
  }

  #told(id: string, upTo: string, unread: number): void {
    this.#change(id, (before) =>
      // What came since is not in this answer's place, or it is: only the newest mark's answer counts.
      before.marker === upTo && before.unread !== unread ? { ...before, unread } : before,
    );
  }

  // Asking the server.

  async #loadAll(): Promise<void> {
    const era = this.#era;
    this.#cancelAgain?.();
    this.#born = new Set();
    const seen = new Set<string>();
    let after: string | undefined;
    try {
      do {
        const limit = after === undefined ? LIST_PAGE : PAGE;
        const params = { limit, ...(after === undefined ? {} : { after }) };
        const page = await this.#client.call("conversation.list", params);
        if (era !== this.#era) return;
        this.#take(page.conversations);
        for (const { id } of page.conversations) seen.add(id);
        after = page.next;
      } while (after !== undefined);
      batch(() => {
        this.#dropUnseen(seen);
        this.loaded.value = true;
        this.error.value = undefined;
      });
    } catch (error) {
      if (era !== this.#era) return;
      this.error.value = textOf(error);
      this.#cancelAgain = this.#clock.schedule(AGAIN_MS, () => {
        if (this.#client.connection.state === "live") void this.load();
      });
    }
  }

  #take(conversations: readonly Conversation[]): void {
    batch(() => {
      for (const conversation of conversations) this.#put(conversation, 0);
    });
  }

  /** Those that the server did not list are the own no longer, but for what only this page knows of. */
  #dropUnseen(seen: ReadonlySet<string>): void {
    for (const [id, { conversation, listed }] of [...this.#entries]) {
      const isUnused = conversation.kind === "direct" && conversation.last === undefined;
      if (listed && !isUnused && !seen.has(id) && !this.#born.has(id)) this.#remove(id);
    }
  }

  async #refresh(id: string): Promise<void> {
    const era = this.#era;
    try {
      await this.resolve(this.referenceOf(id));
    } catch (error) {
      if (era !== this.#era || !(error instanceof HoldfastError)) return;
      if (error.retry) this.#doubts.about(id);
      else if (error.code === "not_found" && this.get(id)?.channel?.standing !== "invited") {
        this.#remove(id);
      }
    }
  }
}

function sameItems<T>(some: readonly T[], others: readonly T[]): boolean {
  return some.length === others.length && some.every((item, at) => item === others[at]);
}

function byActivity(one: Entry, other: Entry): number {
  const byTime = activityOf(other) - activityOf(one);
  if (byTime !== 0) return byTime;
  const [a, b] = [placeOf(one), placeOf(other)];
  return a < b ? 1 : a > b ? -1 : 0;
}

function activityOf({ conversation, touchedMs }: Entry): number {
  return Math.max(touchedMs, conversation.last?.at ?? 0);
}

function placeOf({ conversation }: Entry): string {
  return `${conversation.last?.position ?? ""} ${conversation.id}`;
}
