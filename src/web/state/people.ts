/** Everybody who was heard of, and finding people and channels by what is typed. */
import { type ReadonlySignal, type Signal, signal } from "@preact/signals";
import type { Author, Channel, Client, ListedAccount, Member } from "../../client/index.ts";
import { ChannelMembers } from "./channel-members.ts";
import { Recent } from "./recent.ts";

export type Person = {
  readonly id: string;
  readonly name: string;
  /** Empty for none. */
  readonly displayName: string;
  /** Absent while unknown. */
  readonly online?: boolean;
  readonly deleted?: true;
};

export type Found = {
  readonly people: readonly ListedAccount[];
  readonly channels: readonly Channel[];
};

export interface MembersOf {
  readonly members: ReadonlySignal<readonly Member[]>;
  /** There are more than those. */
  readonly more: ReadonlySignal<boolean>;
  readonly loading: ReadonlySignal<boolean>;
  /** In people's words. */
  readonly error: ReadonlySignal<string | undefined>;
  loadMore(): Promise<void>;
  reload(): Promise<void>;
}

export interface People {
  person(id: string): ReadonlySignal<Person | undefined>;
  /**
   * People and channels by name, best first: `*` and `?` as they are, plain text anywhere in the name. Text
   * that begins with `@` finds people only, with `#` channels only. Rejects with HoldfastError.
   */
  find(text: string): Promise<Found>;
  /** Loads by itself, and follows what changes. */
  membersOf(channelId: string): MembersOf;
}

export const PEOPLE_MAX = 5_000;
const FOUND_MAX = 50;
const WILDCARD_MAX = 64;
const MEMBER_LISTS_MAX = 10;

export class LivePeople implements People {
  readonly #client: Client;
  readonly #known = new Recent<string, Signal<Person | undefined>>(PEOPLE_MAX);
  readonly #lists = new Recent<string, ChannelMembers>(MEMBER_LISTS_MAX);

  constructor(client: Client) {
    this.#client = client;
  }

  person(id: string): ReadonlySignal<Person | undefined> {
    return this.#signalOf(id);
  }

  async find(text: string): Promise<Found> {
    const only = /^[@#]/.exec(text)?.[0];
    const words = text.replace(/^[@#]/, "").trim();
    const [people, channels] = await Promise.all([
      only === "#" ? [] : this.#findPeople(words),
      only === "@" ? [] : this.#findChannels(words),
    ]);
    return { people, channels };
  }

  membersOf(channelId: string): MembersOf {
    return this.#lists.getOrMake(
      channelId,
      () =>
        new ChannelMembers(this.#client, channelId, {
          met: (member) => this.met(member, member.online),
          isOnline: (id) => this.#known.peek(id)?.peek()?.online === true,
        }),
    );
  }

  // For the other parts.

  /** Somebody is shown. An `online` that is not known leaves what was known. */
  met(author: Author | Member | ListedAccount, online: boolean | undefined): void {
    const shown = this.#signalOf(author.id);
    const before = shown.peek();
    const now = online ?? before?.online;
    const deleted = "deleted" in author && author.deleted === true;
    const person: Person = {
      id: author.id,
      name: author.name,
      displayName: author.displayName ?? "",
      ...(now === undefined ? {} : { online: now && !deleted }),
      ...(deleted ? { deleted: true as const } : {}),
    };
    if (before === undefined || !samePerson(before, person)) shown.value = person;
  }

  presence(id: string, online: boolean): void {
    const shown = this.#known.peek(id);
    const before = shown?.peek();
    if (shown !== undefined && before !== undefined) shown.value = { ...before, online };
    for (const list of this.#lists.values()) list.presence(id, online);
  }

  accountChanged(author: Author): void {
    if (this.#known.peek(author.id) !== undefined) this.met(author, undefined);
    for (const list of this.#lists.values()) list.accountChanged(author);
  }

  memberChanged(channelId: string, author: Author, standing: Member["standing"] | "none"): void {
    this.met(author, undefined);
    this.#lists.peek(channelId)?.changed(author, standing);
  }

  /** What was known may be out of date: lists that are shown are read anew. */
  reread(): void {
    for (const list of this.#lists.values()) list.outdated();
  }

  clear(): void {
    this.#known.clear();
    this.#lists.clear();
  }

  #signalOf(id: string): Signal<Person | undefined> {
    return this.#known.getOrMake(id, () => signal<Person | undefined>(undefined));
  }

  async #findPeople(words: string): Promise<readonly ListedAccount[]> {
    const pages = await Promise.all(
      matchesOf(words).map((match) =>
        this.#client.call("account.list", { match, limit: FOUND_MAX }),
      ),
    );
    const found = merged(pages.map(({ accounts }) => accounts));
    for (const account of found) this.met(account, account.online);
    const byName = new Set(found.map(({ id }) => id));
    return [...found, ...this.#shownAs(words).filter(({ id }) => !byName.has(id))].slice(
      0,
      FOUND_MAX,
    );
  }

  async #findChannels(words: string): Promise<readonly Channel[]> {
    const pages = await Promise.all(
      matchesOf(words).map((match) =>
        this.#client.call("channel.list", { match, limit: FOUND_MAX }),
      ),
    );
    return merged(pages.map(({ channels }) => channels)).slice(0, FOUND_MAX);
  }

  /** People one has met whose shown name holds the text: the server looks at names only. */
  #shownAs(words: string): ListedAccount[] {
    const folded = words.toLowerCase();
    if (folded === "" || /[*?]/.test(folded)) return [];
    return this.#known.values().flatMap((shown) => {
      const person = shown.peek();
      if (!person?.displayName.toLowerCase().includes(folded) || person.deleted) return [];
      const { id, name, displayName, online = false } = person;
      return [{ id, name, displayName, online }];
    });
  }
}

/** The wildcards that find plain text, those that begin so first. */
function matchesOf(words: string): string[] {
  const text = words.slice(0, WILDCARD_MAX - 2);
  if (text === "") return ["*"];
  return /[*?]/.test(text) ? [text] : [`${text}*`, `*${text}*`];
}

function merged<T extends { readonly id: string }>(pages: readonly (readonly T[])[]): T[] {
  return [...new Map(pages.flat().map((one) => [one.id, one])).values()];
}

function samePerson(one: Person, other: Person): boolean {
  return (
    one.name === other.name &&
    one.displayName === other.displayName &&
    one.online === other.online &&
    one.deleted === other.deleted
  );
}
