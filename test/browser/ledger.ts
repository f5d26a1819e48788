/**
 * A data directory with a past: accounts, channels and messages of any time, made through the real log before
 * its server starts. Everything that a server makes itself has the time of now.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { generator, HISTORY_SERVER, Loader } from "../../bench/history.ts";
import { type AccountId, accountIdFor, type ChannelId, channelIdFor } from "../../src/core/ids.ts";
import { accountCreate } from "../../src/ops/account.ts";
import { channelCreate } from "../../src/ops/channel.ts";
import { memberSet } from "../../src/ops/member.ts";
import { messagePost } from "../../src/ops/message.ts";
import { realHash } from "../../src/server/platform.ts";
import { clusterIdOf, makeSecret, SECRET_FILE } from "../../src/server/secret.ts";
import { openStore } from "../../src/storage/store.ts";
import { PASSWORD } from "./tab.ts";

export type DataDirectory = { readonly directory: string; readonly server: string };
type Store = Awaited<ReturnType<typeof openStore>>;

export class Ledger {
  private readonly store: Store;
  private readonly loader: Loader;
  private readonly directory: string;
  private readonly password: string;

  private constructor(store: Store, loader: Loader, directory: string, password: string) {
    this.store = store;
    this.loader = loader;
    this.directory = directory;
    this.password = password;
  }

  /** A new directory in this folder; `msAt` as in {@link Loader}. */
  static async open(folder: string, msAt: (seq: number) => number): Promise<Ledger> {
    const directory = join(folder, "data");
    mkdirSync(directory, { mode: 0o700 });
    const { secret } = makeSecret(join(directory, SECRET_FILE));
    const store = await openStore({
      directory,
      server: HISTORY_SERVER,
      clusterId: clusterIdOf(secret),
      wallMs: () => Date.now(),
      companions: [SECRET_FILE],
    });
    const cost = { algorithm: "argon2id", memoryCost: 19_456, timeCost: 2 } as const;
    const password = await Bun.password.hash(PASSWORD, cost);
    return new Ledger(store, new Loader(store.log, generator(11), msAt), directory, password);
  }

  /** With the password that all have in tests. */
  async account(name: string, displayName = ""): Promise<AccountId> {
    const { loader, password } = this;
    const id = loader.nextId();
    const account = accountIdFor(realHash, id);
    await loader.add(account, id, accountCreate, null, {}, { name, displayName, password });
    return account;
  }

  async channel(
    owner: AccountId,
    { name, topic = "", isPrivate = false }: { name: string; topic?: string; isPrivate?: boolean },
  ): Promise<ChannelId> {
    const id = this.loader.nextId();
    const about = { name, topic };
    await this.loader.add(owner, id, channelCreate, null, { private: isPrivate }, about);
    return channelIdFor(realHash, owner, id);
  }

  async join(channel: ChannelId, account: AccountId): Promise<void> {
    const joined = { account, standing: "joined" as const, version: 1 };
    await this.loader.add(account, this.loader.nextId(), memberSet, channel, joined, null);
  }

  async post(author: AccountId, to: ChannelId | AccountId, text: string): Promise<void> {
    await this.loader.add(author, this.loader.nextId(), messagePost, to, {}, { text });
  }

  async close(): Promise<DataDirectory> {
    await this.loader.finish();
    await this.store.close();
    return { directory: this.directory, server: HISTORY_SERVER };
  }
}
