/**
 * Looks at every op that becomes durable and at every frame between clients and servers, and complains at once.
 *
 * It knows ops as they lie on disks and frames as they go over the network, and nothing of how a server does its
 * work: what it holds a server to is what that server told somebody.
 */
import { type AccountId, messageIdFor, type RequestId } from "../src/core/ids.ts";
import { LINK_SILENT_MS, SUSPECT_AFTER_MS } from "../src/core/limits.ts";
import type { Op } from "../src/core/op.ts";
import { compareStamps, type Stamp } from "../src/core/stamp.ts";
import { messageDelete, messagePost } from "../src/ops/message.ts";
import type { ClientLine, LineWatch } from "./client-lines.ts";
import type { Disk } from "./disk.ts";
import { EditVersions } from "./edit-versions.ts";
import { NamesWon } from "./names-won.ts";
import { Refusals } from "./refusals.ts";
import type { SimServer } from "./server.ts";
import type { Sometimes } from "./sometimes.ts";

/** Longer than any server of these worlds is frozen and then goes on with what it knew. */
export const FREEZE_MS_MAX = 8_000;
/** So long a server may name another one whose disk was lost: until it can know. */
const UNAWARE_MS = LINK_SILENT_MS + 2 * SUSPECT_AFTER_MS + FREEZE_MS_MAX;

type Frame = {
  readonly id?: number | string;
  readonly method?: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly result?: Readonly<Record<string, unknown>>;
  readonly error?: { readonly message: string; readonly data?: { readonly code: string } };
};
type Asked = {
  readonly method: string;
  readonly id: RequestId | null;
  readonly params: Frame["params"];
  readonly atMs: number;
};
/** A write that is asked for, by whom. */
type Write = Omit<Asked, "params"> & { readonly id: RequestId; readonly author: AccountId };
type Said = { readonly id: string; readonly text: string; readonly deleted?: true };
type Receipt = { readonly held: readonly string[]; readonly of: number };

/** Where an op lay when somebody was told so. */
export type Copy = { readonly holder: string; readonly disk: Disk; readonly n: number };

/** A write that a server said is stored. */
export type Acknowledged = {
  readonly author: AccountId;
  readonly id: RequestId;
  readonly method: string;
  readonly server: string;
  readonly atMs: number;
  readonly receipt: Receipt;
  readonly copies: readonly Copy[];
};

/** What lies where on one disk. */
class DiskIndex {
  private readonly byRequest = new Map<string, number[]>();
  private readonly messages = new Map<string, number>();
  private readonly deletions = new Map<string, number>();
  private readonly disk: Disk;
  readonly stamps = new Map<string, Stamp>();

  constructor(disk: Disk) {
    this.disk = disk;
    for (const [i, op] of disk.ops.entries()) this.add(op, i + 1);
  }

  add(op: Op, n: number): void {
    const ns = this.byRequest.get(op.id);
    if (ns === undefined) this.byRequest.set(op.id, [n]);
    else ns.push(n);
    if (op.kind === messagePost.number) this.messages.set(messageIdFor(op.author, op.id), n);
    if (op.kind === messageDelete.number) this.deletions.set(messageOf(op), n);
  }

  find(author: AccountId | null, id: string): number | undefined {
    return this.byRequest.get(id)?.find((n) => {
      const op = this.disk.ops[n - 1];
      return op?.id === id && (author === null || op.author === author);
    });
  }

  count(id: string): number {
    return this.byRequest.get(id)?.length ?? 0;
  }

  /** Where a message was deleted. */
  deletion(id: string): number | undefined {
    const n = this.deletions.get(id);
    const op = n === undefined ? undefined : this.disk.ops[n - 1];
    return op?.kind === messageDelete.number && messageOf(op) === id ? n : undefined;
  }

  message(id: string): number | undefined {
    const n = this.messages.get(id);
    const op = n === undefined ? undefined : this.disk.ops[n - 1];
    return op !== undefined && messageIdFor(op.author, op.id) === id ? n : undefined;
  }
}

function messageOf({ data }: Op): string {
  return (JSON.parse(data) as { readonly message: string }).message;
}

export type WitnessWorld = {
  /** Those that are members. */
  readonly servers: readonly SimServer[];
  readonly everybody: readonly SimServer[];
  /** Those that ever had a name, and run or may run again. */
  under(name: string): readonly SimServer[];
  readonly sometimes: Sometimes;
  nowMs(): number;
  /** Something that a server minted is on its disk. */
  minted(server: SimServer, op: Op): void;
  mix(content: Uint8Array): void;
  /** Since when every server takes every other for in sync, with no trouble after; null while not so. */
  wholeSinceMs(): number | null;
  fail(rule: string, what: string): void;
};

export class Witness {
  readonly acknowledged: Acknowledged[] = [];
  private readonly indexes = new WeakMap<Disk, DiskIndex>();
  private readonly contents = new Map<string, Uint8Array>();
  private readonly accounts = new WeakMap<ClientLine, AccountId>();
  private readonly asks = new WeakMap<ClientLine, Map<number | string, Asked>>();
  private readonly versions: EditVersions;
  private readonly names: NamesWon;
  private readonly refusals: Refusals;
  private readonly world: WitnessWorld;

  constructor(world: WitnessWorld) {
    this.world = world;
    this.versions = new EditVersions(world.fail);
    this.names = new NamesWon(world.fail);
    this.refusals = new Refusals(world.fail);
  }

  index(disk: Disk): DiskIndex {
    let index = this.indexes.get(disk);
    if (index === undefined) {
      index = new DiskIndex(disk);
      this.indexes.set(disk, index);
    }
    return index;
  }

  watchDisk(server: SimServer): void {
    const { disk } = server;
    const index = this.index(disk);
    index.stamps.clear();
    this.versions.begin(server);
    for (const op of disk.ops) this.noteStamp(server, index, op);
    disk.onStored = (op, n) => {
      index.add(op, n);
      this.world.mix(op.bytes);
      this.oneContent(server, op);
      this.stampsAscend(server, index, op);
    };
  }

  /** R4: one (origin, seq), one content, for ever. */
  private oneContent(server: SimServer, op: Op): void {
    const key = `${op.origin} ${op.seq}`;
    const known = this.contents.get(key);
    if (known === undefined) this.contents.set(key, op.bytes);
    else if (Buffer.compare(known, op.bytes) !== 0) {
      this.world.fail("R4", `${server.name} stored another content of ${key}`);
    }
  }

  private noteStamp(server: SimServer, index: DiskIndex, op: Op): void {
    if (!op.origin.startsWith(`${server.name}.`)) return;
    const before = index.stamps.get(server.name);
    if (before === undefined || compareStamps(before, op.stamp) < 0) {
      index.stamps.set(server.name, op.stamp);
    }
  }

  /** R55: what a server mints comes after what it minted, across restarts. */
  private stampsAscend(server: SimServer, index: DiskIndex, op: Op): void {
    const isOwn = op.origin === server.running?.replica.figures().incarnation;
    if (!isOwn) return;
    this.versions.minted(server, op);
    this.world.minted(server, op);
    const before = index.stamps.get(server.name);
    if (before !== undefined && compareStamps(op.stamp, before) <= 0) {
      this.world.fail("R55", `${server.name} minted ${op.origin} ${op.seq} with a stamp of before`);
    }
    index.stamps.set(server.name, op.stamp);
  }

  watch(server: SimServer): LineWatch {
    return {
      asked: (line, text) => this.asked(server, line, text),
      said: (line, text) => this.said(server, line, text),
      closed: () => {},
    };
  }

  private asked(server: SimServer, line: ClientLine, text: string): void {
    let frame: Frame | null;
    try {
      frame = JSON.parse(text) as Frame | null;
    } catch {
      return; // no request: nothing will be promised for it
    }
    if (frame === null) return;
    const { id, method, params } = frame;
    if (id === undefined || method === undefined) return;
    const asks = this.asks.get(line) ?? new Map<number | string, Asked>();
    this.asks.set(line, asks);
    const requestId = typeof params?.id === "string" ? (params.id as RequestId) : null;
    asks.set(id, { method, id: requestId, params, atMs: this.world.nowMs() });
    this.refusals.asked(server, requestId);
    if (method === "message.edit" && requestId !== null) {
      this.versions.asked(server, requestId, String(params?.message));
    }
  }

  private said(server: SimServer, line: ClientLine, text: string): void {
    const frame = JSON.parse(text) as Frame;
    const { message, messages = [] } = (frame.params ?? frame.result ?? {}) as {
      readonly message?: Said | string;
      readonly messages?: readonly Said[];
    };
    for (const one of typeof message === "object" ? [message, ...messages] : messages) {
      this.deletedStaysSo(server, one);
    }
    if (frame.method !== undefined) this.eventIsDurable(server, frame.method, frame.params ?? {});
    else if (frame.result !== undefined) this.answered(server, line, frame.id, frame.result);
    else if (frame.error !== undefined) this.refused(server, line, frame.id, frame.error);
  }

  /** Nothing is published before it is durable. */
  private eventIsDurable(
    server: SimServer,
    method: string,
    params: Readonly<Record<string, unknown>>,
  ): void {
    if (method === "message.held") {
      this.world.sometimes.happened("a receipt grew and its author was told");
      return;
    }
    if (method !== "message.posted" && method !== "message.changed") return;
    const { id } = params.message as { id: string };
    if (this.index(server.disk).message(id) !== undefined) return;
    this.world.fail("R54", `${server.name} published ${id}, which is not on its disk`);
  }

  /** R9: who has folded a deletion says nothing of the text any more. */
  private deletedStaysSo(server: SimServer, { id, text, deleted }: Said): void {
    const n = this.index(server.disk).deletion(id);
    if (n === undefined || n > (server.running?.view.foldedN ?? 0)) return;
    if (deleted === true && text === "") this.world.sometimes.happened("said that it is deleted");
    else this.world.fail("R9", `${server.name} said "${text}" of ${id}, which op ${n} deleted`);
  }

  private refused(
    server: SimServer,
    line: ClientLine,
    rpcId: Frame["id"],
    { data, message }: NonNullable<Frame["error"]>,
  ): void {
    const id = rpcId === undefined ? undefined : this.asks.get(line)?.get(rpcId)?.id;
    if (id === undefined || id === null || data === undefined) return;
    this.refusals.refused(
      server,
      id,
      `${data.code}: ${message}`,
      this.index(server.disk).find(null, id),
    );
  }

  private answered(
    server: SimServer,
    line: ClientLine,
    rpcId: number | string | undefined,
    result: Readonly<Record<string, unknown>>,
  ): void {
    const asks = this.asks.get(line);
    const asked = rpcId === undefined ? undefined : asks?.get(rpcId);
    if (asked === undefined) return;
    asks?.delete(rpcId as number);
    if (/^(account\.create|session\.(open|resume))$/.test(asked.method)) {
      this.accounts.set(line, (result.account as { id: AccountId }).id);
    }
    this.nameIsWon(asked, result);
    const author = this.accounts.get(line);
    const receipt = result.receipt as Receipt | undefined;
    if (receipt === undefined || asked.id === null || author === undefined) return;
    this.acknowledge(server, { ...asked, id: asked.id, author }, receipt);
  }

  /** Names of accounts that nobody gives up: who renames an account wants other ones (workload.ts). */
  private nameIsWon(asked: Asked, result: Readonly<Record<string, unknown>>): void {
    const { method, params, atMs } = asked;
    const what = /^(account|channel)\.create$/.exec(method)?.[1];
    const sinceMs = this.world.wholeSinceMs();
    if (what === undefined || sinceMs === null || atMs < sinceMs) return;
    const { id } = result[what] as { readonly id: string };
    this.names.won(`the ${what} name ${params?.name}`, id, sinceMs);
  }

  /** R1: everybody in a receipt has the op on its disk, or lost that disk so lately that nobody knows. */
  acknowledge(server: SimServer, asked: Write, receipt: Receipt): void {
    const { author, id, method } = asked;
    const { sometimes } = this.world;
    const what = `${method} ${id} through ${server.name}`;
    const { held } = receipt;
    if (!held.includes(server.name)) this.world.fail("R1", `${what}: answered without itself`);
    if (new Set(held).size !== held.length || held.length > receipt.of) {
      this.world.fail("R1", `${what}: held by ${held.join()} of ${receipt.of}`);
    }
    const copies: Copy[] = [];
    for (const name of held) {
      const holders = name === server.name ? [server] : this.world.under(name);
      const there = holders.flatMap(({ disk }) => {
        const n = this.index(disk).find(author, id);
        return n === undefined ? [] : [{ holder: name, disk, n }];
      });
      copies.push(...there);
      if (there.length > 0) continue;
      if (holders.some((holder) => this.wasLostLately(holder, author, id))) {
        sometimes.happened("a receipt named a disk that was just lost");
      } else this.world.fail("R1", `${what}: says that ${name} holds it`);
    }
    this.isWholeWhenAllAre(server, asked, what, receipt);
    sometimes.happened(`acknowledged by ${held.length} of ${receipt.of}`);
    const atMs = this.world.nowMs();
    this.acknowledged.push({ author, id, method, server: server.name, atMs, receipt, copies });
  }

  /** R2: while all are in sync, an answer waits for all. */
  private isWholeWhenAllAre(
    server: SimServer,
    asked: Write,
    what: string,
    { held, of }: Receipt,
  ): void {
    const since = this.world.wholeSinceMs();
    if (since === null || asked.atMs < since || held.length === this.world.servers.length) return;
    // Of two that two servers minted at once one counts, and who holds that one is told a moment later.
    if (this.mintedTwice(asked)) {
      this.world.sometimes.happened("a receipt named fewer, of what was minted twice");
      return;
    }
    // R5: what another server minted is repeated here, and told as it is now.
    const n = this.index(server.disk).find(asked.author, asked.id) ?? 0;
    if (server.disk.ops[n - 1]?.origin.startsWith(`${server.name}.`) === false) {
      this.world.sometimes.happened("a repeat got the receipt as of now");
      return;
    }
    this.world.fail("R2", `${what}: held by ${held.join()} of ${of} while all were in sync`);
  }

  private mintedTwice({
    author,
    id,
  }: {
    readonly author: AccountId;
    readonly id: string;
  }): boolean {
    const minted = new Set<string>();
    for (const { disk } of this.world.everybody) {
      const n = this.index(disk).find(author, id);
      const op = n === undefined ? undefined : disk.ops[n - 1];
      if (op !== undefined) minted.add(`${op.origin} ${op.seq}`);
      if (this.index(disk).count(id) > 1) return true;
    }
    return minted.size > 1;
  }

  private wasLostLately(holder: SimServer, author: AccountId, id: string): boolean {
    const fromMs = this.world.nowMs() - UNAWARE_MS;
    if (holder.disk.rollbacks.some(({ atMs }) => atMs > fromMs)) return true;
    return holder.lost.some(
      ({ disk, atMs }) => atMs > fromMs && this.index(disk).find(author, id) !== undefined,
    );
  }
}

/** Whether a copy is still where it was: its disk is in use, and was not put back to before it. */
export function isKept(
  { holder, disk, n }: Copy,
  sinceMs: number,
  inUse: ReadonlySet<Disk>,
): boolean {
  if (disk.rollbacks.some(({ atMs, toN }) => atMs >= sinceMs && toN < n)) return false;
  if (disk.heir === null) return inUse.has(disk);
  const moved = disk.heir.ns.get(n);
  return moved !== undefined && isKept({ holder, disk: disk.heir.disk, n: moved }, sinceMs, inUse);
}
