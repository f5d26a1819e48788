/**
 * What a set of ops means, worked out the slow way: all ops at hand, sorted, no state carried along. Shares
 * with the fold only the parsing of ops and the ids.
 */
import {
  type AccountId,
  type ChannelId,
  type ConversationId,
  directIdFor,
  effectOf,
  isChannelId,
  type MessageId,
  messageIdFor,
} from "../src/core/ids.ts";
import type { Op } from "../src/core/op.ts";
import { type Position, positionOf } from "../src/core/position.ts";
import { subjectsOf } from "../src/ops/fold.ts";
import { KINDS } from "../src/ops/kinds.ts";
import { sha256 } from "../src/storage/log-hash.ts";

export type ModelMessage = {
  conversation: ConversationId;
  position: Position;
  author: AccountId;
  text: string | null;
};

/** Members of all kinds, each only where its kind has it. */
type Members = {
  message: MessageId;
  session: string;
  account: AccountId;
  to: AccountId;
  erase: boolean;
  standing: string;
  version: number;
  versions: { from: number; to: number; name: number };
  name?: string;
  text?: string;
};
type Said = { op: Op; at: Position; data: Members; body: Members | null };
type Write = { value: unknown; version: number; at: Position };

export class HistoryModel {
  private readonly valid: Said[] = [];
  private readonly counting: Said[];

  constructor(ops: readonly Op[]) {
    const first = new Map<string, Said>();
    const seen = new Set<Position>();
    for (const op of ops) {
      const parsed = KINDS.get(op.kind)?.parse(0, op) ?? null;
      const at = positionOf(op);
      if (parsed === null || seen.has(at)) continue;
      seen.add(at);
      const said = { op, at, data: parsed.data, body: parsed.body } as Said;
      this.valid.push(said);
      const key = op.author + op.id;
      const other = first.get(key);
      if (other === undefined || at < other.at) first.set(key, said);
    }
    this.counting = [...first.values()];
  }

  private of(kind: number, all = this.counting): Said[] {
    return all.filter(({ op }) => op.kind === kind);
  }

  isDeleted(account: AccountId): boolean {
    return this.of(5, this.valid).some(({ op }) => op.author === account);
  }

  isErased(account: AccountId): boolean {
    return this.of(5, this.valid).some(({ op, data }) => op.author === account && data.erase);
  }

  isRemoved(message: MessageId): boolean {
    return this.of(42, this.valid).some(({ data }) => data.message === message);
  }

  isOver(session: string): boolean {
    return this.of(12, this.valid).some(({ data }) => data.session === session);
  }

  /** Whether no disk may keep the body of this op. */
  mustLeave(op: Op): boolean {
    if (op.bodyHash === null) return false;
    return subjectsOf(sha256, 0, op).some((subject) => {
      switch (subject.table) {
        case "account":
          return this.isDeleted(subject.key);
        case "session":
          return this.isOver(subject.key) || this.isDeleted(subject.account);
        case "message":
          return this.isRemoved(subject.key) || this.isErased(effectOf(subject.key).author);
        default:
          return false;
      }
    });
  }

  isOwner(channel: ChannelId, account: AccountId): boolean {
    const writes: Write[] = [];
    for (const { op, at, data } of this.counting) {
      const { versions } = data;
      if (op.kind === 20 && op.author === account) {
        const [made] = subjectsOf(sha256, 0, op);
        if (made?.key === channel) writes.push({ value: true, version: 1, at });
      }
      if (op.kind !== 31 || op.scope !== channel) continue;
      const receives = data.to === account;
      if (receives) writes.push({ value: true, version: versions.to, at });
      else if (op.author === account) writes.push({ value: false, version: versions.from, at });
    }
    return last(writes)?.value === true;
  }

  /** Whether something posted at this place is hidden by a ban. */
  isHidden(channel: ChannelId, account: AccountId, at: Position): boolean {
    if (this.isOwner(channel, account)) return false;
    const changes = this.of(30)
      .filter(({ op, data }) => op.scope === channel && data.account === account)
      .map(({ at: place, data }) => ({
        value: data.standing === "banned",
        version: data.version,
        at: place,
      }))
      .sort(byWrite);
    let from: Position | null = null;
    for (const change of changes) {
      if (change.value) from ??= change.at;
      else if (from !== null) {
        if (at > from && at < change.at) return true;
        from = null;
      }
    }
    return from !== null && at > from;
  }

  /** Every message that is shown, in total order. */
  messages(): ModelMessage[] {
    const shown: ModelMessage[] = [];
    for (const { op, at, body } of this.of(40)) {
      const scope = op.scope as AccountId | ChannelId;
      const direct = !isChannelId(scope);
      if (!direct && this.isHidden(scope, op.author, at)) continue;
      const key = messageIdFor(op.author, op.id);
      const edits = this.of(41)
        .filter((edit) => edit.data.message === key && edit.op.author === op.author)
        .map((edit) => ({ value: edit.body?.text, version: edit.data.version, at: edit.at }));
      const text = edits.length > 0 ? last(edits)?.value : body?.text;
      const gone = this.isRemoved(key) || this.isErased(op.author);
      shown.push({
        conversation: direct ? directIdFor(sha256, op.author, scope) : scope,
        position: at,
        author: op.author,
        text: gone ? null : ((text ?? null) as string | null),
      });
    }
    return shown.sort((a, b) => (a.position < b.position ? -1 : 1));
  }

  /** Who claims which name of accounts, and since when. */
  accountNames(): Map<AccountId, { name: string; at: Position }> {
    const writes = new Map<AccountId, Write[]>();
    for (const { op, at, data, body } of this.counting) {
      if ((op.kind !== 1 && op.kind !== 3) || this.isDeleted(op.author)) continue;
      const version = op.kind === 1 ? 1 : data.version;
      const list = writes.get(op.author) ?? [];
      list.push({ value: body?.name, version, at });
      writes.set(op.author, list);
    }
    return new Map([...writes].map(([account, list]) => [account, claimOf(list)]));
  }

  channelNames(): Map<ChannelId, { name: string; at: Position }> {
    const writes = new Map<ChannelId, Write[]>();
    for (const { op, at, data, body } of this.counting) {
      if (op.kind !== 20 && op.kind !== 21) continue;
      if (body?.name === undefined) continue;
      const channel = subjectsOf(sha256, 0, op)[0]?.key as ChannelId;
      const version = op.kind === 20 ? 1 : data.versions.name;
      const list = writes.get(channel) ?? [];
      list.push({ value: body.name, version, at });
      writes.set(channel, list);
    }
    return new Map([...writes].map(([channel, list]) => [channel, claimOf(list)]));
  }
}

function byWrite(a: Write, b: Write): number {
  return a.version - b.version || (a.at < b.at ? -1 : 1);
}

function last(writes: readonly Write[]): Write | undefined {
  return [...writes].sort(byWrite).at(-1);
}

function claimOf(writes: readonly Write[]): { name: string; at: Position } {
  const write = last(writes) as Write;
  return { name: write.value as string, at: write.at };
}
