/** Who is in one channel: read page by page, sorted by name, and kept by events. */
import { signal } from "@preact/signals";
import type { Author, Client, Member } from "../../client/index.ts";
import { textOf } from "./errors.ts";
import type { MembersOf } from "./people.ts";

const PAGE = 100;
const RELOAD_MAX = 500;

export type MembersParts = {
  /** A member is shown. */
  readonly met: (member: Member) => void;
  /** As far as anybody here knows. */
  readonly isOnline: (id: string) => boolean;
};

export class ChannelMembers implements MembersOf {
  readonly members = signal<readonly Member[]>([], {
    watched: () => this.#looked(true),
    unwatched: () => this.#looked(false),
  });
  readonly more = signal(false);
  readonly loading = signal(false);
  readonly error = signal<string | undefined>(undefined);
  readonly #client: Client;
  readonly #channel: string;
  readonly #parts: MembersParts;
  #next: string | undefined;
  #era = 0;
  #isLooked = false;
  #isOutdated = true;

  constructor(client: Client, channel: string, parts: MembersParts) {
    this.#client = client;
    this.#channel = channel;
    this.#parts = parts;
  }

  async reload(): Promise<void> {
    this.#isOutdated = false;
    const wanted = Math.max(PAGE, this.members.peek().length);
    await this.#read(undefined, Math.min(wanted, RELOAD_MAX));
  }

  async loadMore(): Promise<void> {
    if (this.#next !== undefined && !this.loading.peek()) await this.#read(this.#next, PAGE);
  }

  // Events.

  changed({ id, name, displayName = "" }: Author, standing: Member["standing"] | "none"): void {
    const before = this.members.peek();
    const known = before.find((member) => member.id === id);
    if (standing === "none") {
      if (known !== undefined) this.members.value = before.filter((member) => member.id !== id);
    } else if (known !== undefined) {
      this.#replace({ ...known, standing });
    } else if (before.length > 0 && (!this.more.peek() || name < (before.at(-1)?.name ?? ""))) {
      const added = { id, name, displayName, standing, online: this.#parts.isOnline(id) };
      const at = before.findIndex((other) => other.name > name);
      this.members.value = before.toSpliced(at < 0 ? before.length : at, 0, added);
    }
  }

  presence(id: string, online: boolean): void {
    const known = this.members.peek().find((member) => member.id === id);
    if (known !== undefined && known.online !== online) this.#replace({ ...known, online });
  }

  accountChanged({ id, name, displayName = "", deleted }: Author): void {
    const known = this.members.peek().find((member) => member.id === id);
    if (known === undefined) return;
    if (deleted === true) this.changed({ id, name }, "none");
    else this.#replace({ ...known, name, displayName });
  }

  /** What is shown may no longer be so. */
  outdated(): void {
    this.#isOutdated = true;
    if (this.#isLooked) void this.reload();
  }

  /** While nobody looks, nobody asks. */
  #looked(is: boolean): void {
    this.#isLooked = is;
    // Not at once: whoever begins to look may be in the middle of rendering.
    if (is && this.#isOutdated) queueMicrotask(() => this.#isOutdated && void this.reload());
  }

  #replace(member: Member): void {
    this.members.value = this.members
      .peek()
      .map((other) => (other.id === member.id ? member : other));
  }

  async #read(after: string | undefined, limit: number): Promise<void> {
    const era = ++this.#era;
    this.loading.value = true;
    try {
      const params = { in: this.#channel, limit, ...(after === undefined ? {} : { after }) };
      const page = await this.#client.call("channel.members", params);
      if (era !== this.#era) return;
      for (const member of page.members) this.#parts.met(member);
      const held = after === undefined ? [] : this.members.peek();
      const known = new Set(held.map(({ id }) => id));
      this.members.value = [...held, ...page.members.filter(({ id }) => !known.has(id))];
      this.#next = page.next;
      this.more.value = page.next !== undefined;
      this.error.value = undefined;
    } catch (error) {
      if (era === this.#era) this.error.value = textOf(error);
      this.#isOutdated = true;
    } finally {
      if (era === this.#era) this.loading.value = false;
    }
  }
}
