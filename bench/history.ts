/**
 * The op loader: makes a data directory with as many accounts and messages as asked, through the real log and
 * the real fold, once; kept in `.bench/`. Conversations and words have the skewed sizes that people make.
 */
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Incarnation } from "../src/core/ids.ts";
import {
  type AccountId,
  accountIdFor,
  channelIdFor,
  type RequestId,
  requestIdFrom,
} from "../src/core/ids.ts";
import { encodeEnvelope, hashBody, type Op, type Scope, sealBody } from "../src/core/op.ts";
import type { Stamp } from "../src/core/stamp.ts";
import { accountCreate } from "../src/ops/account.ts";
import { channelCreate } from "../src/ops/channel.ts";
import type { Kind } from "../src/ops/kind.ts";
import { memberSet } from "../src/ops/member.ts";
import { messagePost } from "../src/ops/message.ts";
import type { Commit, Log, LogListener } from "../src/replica/ports.ts";
import { realHash } from "../src/server/platform.ts";
import { clusterIdOf, makeSecret, SECRET_FILE } from "../src/server/secret.ts";
import { openStore } from "../src/storage/store.ts";
import { SqliteView } from "../src/storage/view.ts";
import { ViewWal } from "../src/storage/view-wal.ts";

const BATCH_OPS = 2_000;
const CHANNELS = 200;
const MEMBERS = 40;
const WORDS = 20_000;
const TEXT_BYTES = 200;
const DAY_MS = 86_400_000;
const BEGIN_MS = Date.UTC(2025, 0, 1);
export const HISTORY_SERVER = "bench";
/** A word that so many messages hold, and one that few do. */
export const COMMON_WORD = "w3";
export const RARE_WORD = "w19999";

/** A small generator, the same numbers everywhere (xorshift32, Marsaglia 2003). */
export function generator(seed: number): () => number {
  let state = seed | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

function textOf(random: () => number): string {
  const words: string[] = [];
  let length = 0;
  while (length < TEXT_BYTES) {
    const word = `w${Math.floor(WORDS * random() ** 4)}`; // few words are common, most are rare
    words.push(word);
    length += word.length + 1;
  }
  return words.join(" ").slice(0, TEXT_BYTES);
}

/** So many ops, evenly over most of a year. */
export function overYear(ops: number): (seq: number) => number {
  const stepMs = (300 * DAY_MS) / ops;
  return (seq) => BEGIN_MS + seq * stepMs;
}

export class Loader {
  private readonly log: Log;
  private readonly random: () => number;
  private readonly origin = `${HISTORY_SERVER}.0000000001` as Incarnation;
  private seq = 0;
  private batch: Op[] = [];
  private durableN = 0;
  private appendedN = 0;
  private wake: (() => void) | null = null;
  private readonly msAt: (seq: number) => number;
  private readonly salt = new Uint8Array(16);

  /** `msAt`: when the op of this number was minted, never earlier than those before it. */
  constructor(log: Log, random: () => number, msAt: (seq: number) => number) {
    this.log = log;
    this.random = random;
    this.msAt = msAt;
    const listener: LogListener = {
      durable: (commit: Commit) => {
        this.durableN = commit.ops.at(-1)?.n ?? this.durableN;
        this.wake?.();
      },
      erased: () => {},
      space: () => {},
      failed: (error) => {
        throw error;
      },
    };
    log.listen(listener);
  }

  nextId(): RequestId {
    const bytes = new Uint8Array(10);
    for (let i = 0; i < bytes.length; i++) bytes[i] = Math.floor(this.random() * 256);
    return requestIdFrom(Math.floor(this.msAt(this.seq)), bytes);
  }

  async add<D, B>(
    author: AccountId,
    id: RequestId,
    kind: Kind<D, B>,
    scope: Scope,
    data: D,
    body: B | null,
  ): Promise<void> {
    this.seq += 1;
    const stamp: Stamp = {
      ms: Math.floor(this.msAt(this.seq)),
      counter: this.seq % 65_536,
    };
    for (let i = 0; i < 4; i++) this.salt[i] = Math.floor(this.random() * 256);
    const sealed = body === null ? null : sealBody(this.salt, JSON.stringify(body));
    const json = JSON.stringify(data);
    const envelope = {
      origin: this.origin,
      seq: this.seq,
      stamp,
      author,
      id,
      kind: kind.number,
      scope,
      data: json === "{}" ? "" : json,
      bodyHash: sealed === null ? null : hashBody(realHash, sealed),
    };
    this.batch.push({ ...envelope, bytes: encodeEnvelope(envelope), body: sealed });
    if (this.batch.length >= BATCH_OPS) await this.flush();
  }

  async flush(): Promise<void> {
    if (this.batch.length > 0) {
      this.appendedN += this.batch.length;
      this.log.append(this.batch);
      this.batch = [];
    }
    while (this.appendedN - this.durableN > 2 * BATCH_OPS) await this.turn();
  }

  async finish(): Promise<void> {
    await this.flush();
    while (this.durableN < this.appendedN) await this.turn();
  }

  private turn(): Promise<void> {
    return new Promise((resolve) => {
      this.wake = resolve;
    });
  }
}

export type History = {
  readonly directory: string;
  readonly accounts: number;
  readonly messages: number;
};

/** The data directory with this history, made now if it was not there. */
export async function history(root: string, accounts: number, messages: number): Promise<History> {
  const directory = join(root, `history-${accounts}-${messages}`);
  const done = join(directory, "..", `history-${accounts}-${messages}.done`);
  if (existsSync(done)) return { directory, accounts, messages };
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const { secret } = makeSecret(join(directory, SECRET_FILE));
  const store = await openStore({
    directory,
    server: HISTORY_SERVER,
    clusterId: clusterIdOf(secret),
    wallMs: () => Date.now(),
    companions: [SECRET_FILE],
  });
  const random = generator(7);
  const ops = accounts + messages + CHANNELS * (MEMBERS + 1);
  const loader = new Loader(store.log, random, overYear(ops));
  const ids: AccountId[] = [];
  for (let i = 0; i < accounts; i++) {
    const id = loader.nextId();
    const account = accountIdFor(realHash, id);
    ids.push(account);
    const name = `user${String(i).padStart(7, "0")}`;
    const password = "$argon2id$v=19$m=19456,t=2,p=1$none$none";
    await loader.add(account, id, accountCreate, null, {}, { name, displayName: "", password });
  }
  const any = () => ids[Math.floor(random() * ids.length)] as AccountId;
  const channels: Scope[] = [];
  for (let c = 0; c < CHANNELS; c++) {
    const owner = ids[c % ids.length] as AccountId;
    const id = loader.nextId();
    const channel = channelIdFor(realHash, owner, id);
    channels.push(channel);
    await loader.add(
      owner,
      id,
      channelCreate,
      null,
      { private: false },
      { name: `room${c}`, topic: "" },
    );
    for (let m = 1; m < MEMBERS; m++) {
      const account = ids[(c + m * 7) % ids.length] as AccountId;
      const data = { account, standing: "joined" as const, version: 1 };
      await loader.add(account, loader.nextId(), memberSet, channel, data, null);
    }
  }
  for (let i = 0; i < messages; i++) {
    const c = Math.floor(CHANNELS * random() ** 2);
    const author = ids[(c + Math.floor(random() * MEMBERS) * 7) % ids.length] as AccountId;
    const isDirect = random() < 0.2;
    const scope = isDirect ? any() : (channels[c] as Scope);
    await loader.add(author, loader.nextId(), messagePost, scope, {}, { text: textOf(random) });
    if (i % 200_000 === 0 && i > 0) console.error(`history: ${i} of ${messages} messages`);
  }
  await loader.finish();
  const { view } = SqliteView.open({ path: store.viewPath, hash: realHash, log: store.log });
  const viewWal = new ViewWal(store.viewPath);
  while (view.catchUp()) {
    viewWal.checkpoint();
    await viewWal.idle();
  }
  let steps = 0;
  while (view.tidy())
    if (steps++ % 50 === 0) {
      viewWal.checkpoint();
      await viewWal.idle();
    }
  viewWal.stop();
  view.close();
  await store.close();
  writeFileSync(`${done}.tmp`, "");
  renameSync(`${done}.tmp`, done);
  return { directory, accounts, messages };
}
