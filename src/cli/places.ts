/**
 * What conversations are called, as far as this chat knows: messages carry ids, people read names.
 *
 * What is not known is asked once and remembered, at most PLACES_MAX of them; events keep it true.
 */
import type { Author, Channel, Client, Conversation } from "../client/index.ts";

export type Place = {
  readonly id: string;
  /** `#ops` or `@bob`. */
  readonly name: string;
  readonly topic: string;
  /** The other party of a direct conversation. */
  readonly account?: string;
};

/** How requests name it: a direct conversation by its other party, because it begins with its first message. */
export const refOf = (place: Place): string => place.account ?? place.id;

const PLACES_MAX = 4_000;

export class Places {
  private readonly client: Pick<Client, "call">;
  private readonly known = new Map<string, Place>();

  constructor(client: Pick<Client, "call">) {
    this.client = client;
  }

  learn(conversation: Conversation): Place {
    const { id, name, channel, account } = conversation;
    const place: Place = {
      id,
      name,
      topic: channel?.topic ?? "",
      ...(account === undefined ? {} : { account: account.id }),
    };
    this.set(place);
    return place;
  }

  learnChannel({ id, name, topic }: Channel): Place {
    const place = { id, name: `#${name}`, topic };
    this.set(place);
    return place;
  }

  /** Somebody is called otherwise now: the direct conversation with them, too. */
  rename(account: Author): void {
    const name = account.deleted === true ? account.name : `@${account.name}`;
    for (const place of this.known.values()) {
      if (place.account === account.id) this.set({ ...place, name });
    }
  }

  get(id: string): Place | undefined {
    return this.known.get(id);
  }

  /** By what a request named it: an id, or the account of a direct conversation. */
  byRef(ref: string): Place | undefined {
    return this.known.get(ref) ?? [...this.known.values()].find(({ account }) => account === ref);
  }

  /** The name to show; asks for it if need be, and shows the id where there is no answer. */
  async nameOf(id: string): Promise<string> {
    return this.known.get(id)?.name ?? (await this.find(id).catch(() => undefined))?.name ?? id;
  }

  /** What a name or id stands for. Throws HoldfastError. */
  async find(ref: string, deadlineMs?: number): Promise<Place> {
    const options = deadlineMs === undefined ? {} : { deadlineMs };
    const { conversation } = await this.client.call("conversation.resolve", { in: ref }, options);
    return this.learn(conversation);
  }

  private set(place: Place): void {
    this.known.delete(place.id);
    this.known.set(place.id, place);
    if (this.known.size > PLACES_MAX) {
      this.known.delete(this.known.keys().next().value as string);
    }
  }
}
