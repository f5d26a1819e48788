/** For the tests of storage: well-formed ops from a seed, a listener to wait for, hashes of a directory. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { toBase32Hex } from "../core/bytes.ts";
import { accountIdOf, channelIdOf, type Incarnation, requestIdFrom } from "../core/ids.ts";
import { encodeEnvelope, hashBody, type Op, sealBody } from "../core/op.ts";
import type { Commit, Log } from "../replica/ports.ts";
import { sha256 } from "./log-hash.ts";

/** mulberry32: a small generator with a seed, for tests only. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

export function bytesFrom(random: () => number, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => Math.floor(random() * 256));
}

/** An incarnation that mints ops for a test. */
export class TestOrigin {
  readonly name: Incarnation;
  private readonly random: () => number;
  private seq = 0;

  constructor(server: string, random: () => number, name?: Incarnation) {
    this.random = random;
    const bits = toBase32Hex(bytesFrom(random, 7)).slice(0, 10);
    this.name = name ?? (`${server}.${bits}` as Incarnation);
  }

  /** As if another process went on from the same memory. */
  twin(): TestOrigin {
    const twin = new TestOrigin("", this.random, this.name);
    twin.seq = this.seq;
    return twin;
  }

  /** The next op; null makes one without a body. */
  op(text: string | null): Op {
    const id = requestIdFrom(1_700_000_000_000 + this.seq, bytesFrom(this.random, 10));
    const body =
      text === null ? null : sealBody(bytesFrom(this.random, 16), JSON.stringify({ text }));
    const envelope = {
      origin: this.name,
      seq: ++this.seq,
      stamp: { ms: 1_700_000_000_000 + this.seq, counter: 0 },
      author: accountIdOf(bytesFrom(this.random, 16)),
      id,
      kind: text === null ? 2 : 1,
      scope: channelIdOf(bytesFrom(this.random, 16)),
      data: "",
      bodyHash: body === null ? null : hashBody(sha256, body),
    };
    return { ...envelope, bytes: encodeEnvelope(envelope), body };
  }

  ops(count: number, text = (i: number) => `message ${i}`): Op[] {
    return Array.from({ length: count }, (_, i) => this.op(text(i)));
  }
}

/** A listener that a test can wait for. Failures reject whatever is waited for. */
export type Heard = {
  readonly commits: Commit[];
  readonly erased: Set<number>;
  readonly failures: Error[];
  freeBytes: number;
  reserveBytes: number;
  /** When the last op appended is durable. */
  settled(): Promise<void>;
  erasedAll(ns: readonly number[]): Promise<void>;
  splitOff(branch: Incarnation): Promise<void>;
  failed(): Promise<Error>;
};

export function listening(log: Log): Heard {
  const waiting = new Set<() => void>();
  const branches = new Set<Incarnation>();
  let durable = log.lastN;
  let expected = log.lastN;
  const append = log.append.bind(log);
  log.append = (ops) => {
    append(ops);
    expected += ops.length;
  };
  const until = (done: () => boolean, onFailure: "reject" | "resolve" = "reject") =>
    new Promise<void>((resolve, reject) => {
      const look = () => {
        if (heard.failures.length > 0 && onFailure === "reject") reject(heard.failures[0]);
        else if (!done()) return;
        else resolve();
        waiting.delete(look);
      };
      waiting.add(look);
      look();
    });
  const wake = () => {
    for (const look of [...waiting]) look();
  };
  const heard: Heard = {
    commits: [],
    erased: new Set(),
    failures: [],
    freeBytes: 0,
    reserveBytes: 0,
    settled: () => until(() => durable >= expected),
    splitOff: (branch) => until(() => branches.has(branch)),
    erasedAll: (ns) => until(() => ns.every((n) => heard.erased.has(n))),
    failed: () => until(() => heard.failures.length > 0, "resolve").then(() => heard.failures[0]!),
  };
  log.listen({
    durable(commit) {
      heard.commits.push(commit);
      durable += commit.ops.length;
      wake();
    },
    erased(ns) {
      for (const n of ns) heard.erased.add(n);
      wake();
    },
    split({ branch }) {
      branches.add(branch);
      wake();
    },
    space(freeBytes, reserveBytes) {
      heard.freeBytes = freeBytes;
      heard.reserveBytes = reserveBytes;
      wake();
    },
    failed(error) {
      heard.failures.push(error);
      wake();
    },
  });
  return heard;
}

/** Name and hash of every file in a directory and its folders. */
export function fingerprint(directory: string): Map<string, string> {
  const files = new Map<string, string>();
  for (const name of (readdirSync(directory, { recursive: true }) as string[]).sort()) {
    const path = join(directory, name);
    if (statSync(path).isFile()) files.set(name, Bun.hash(readFileSync(path)).toString(16));
  }
  return files;
}
