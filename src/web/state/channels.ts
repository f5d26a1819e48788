/** What people do with channels. Its promises reject with HoldfastError. */
import type { Client, Conversation } from "../../client/index.ts";
import { settled } from "./repeat.ts";

export interface Channels {
  /** The answer is the id of its conversation; the page does not go there by itself. */
  create(params: { name: string; private?: boolean; topic?: string }): Promise<string>;
  join(id: string): Promise<void>;
  /** Also declines an invitation. */
  leave(id: string): Promise<void>;
  /** `account`: `@name` or an id. */
  invite(id: string, account: string): Promise<void>;
  update(id: string, changes: { name?: string; topic?: string; private?: boolean }): Promise<void>;
  remove(id: string, account: string): Promise<void>;
  ban(id: string, account: string, lift?: boolean): Promise<void>;
  handOver(id: string, account: string): Promise<void>;
}

export type ChannelParts = {
  readonly client: Client;
  /** Asks the server what a channel is now, for what no event says in time. */
  readonly resolve: (id: string) => Promise<Conversation>;
};

export class ClientChannels implements Channels {
  readonly #client: Client;
  readonly #resolve: (id: string) => Promise<Conversation>;
  readonly #leaving = new Set<string>();

  constructor({ client, resolve }: ChannelParts) {
    this.#client = client;
    this.#resolve = resolve;
  }

  async create(params: { name: string; private?: boolean; topic?: string }): Promise<string> {
    const { channel } = await settled(this.#client, "channel.create", params);
    await this.#resolve(channel.id);
    return channel.id;
  }

  async join(id: string): Promise<void> {
    await settled(this.#client, "channel.join", { in: id });
    await this.#resolve(id);
  }

  async leave(id: string): Promise<void> {
    this.#leaving.add(id);
    try {
      await settled(this.#client, "channel.leave", { in: id });
    } finally {
      this.#leaving.delete(id);
    }
  }

  async invite(id: string, account: string): Promise<void> {
    await settled(this.#client, "channel.invite", { in: id, account });
  }

  async update(
    id: string,
    changes: { name?: string; topic?: string; private?: boolean },
  ): Promise<void> {
    await settled(this.#client, "channel.update", { in: id, ...changes });
  }

  async remove(id: string, account: string): Promise<void> {
    await settled(this.#client, "channel.remove", { in: id, account });
  }

  async ban(id: string, account: string, lift?: boolean): Promise<void> {
    const how = lift === undefined ? {} : { lift };
    await settled(this.#client, "channel.ban", { in: id, account, ...how });
  }

  async handOver(id: string, account: string): Promise<void> {
    await settled(this.#client, "channel.update", { in: id, owner: account });
  }

  /** Whether somebody here has just asked to leave it: then it is no news. */
  isLeaving(id: string): boolean {
    return this.#leaving.has(id);
  }
}
