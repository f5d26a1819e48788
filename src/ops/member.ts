/**
 * Members of channels: who is invited, in, out or banned, and who owns.
 *
 * The owner of a channel cannot be demoted by concurrency: removal and ban have no effect on whoever owns
 * it in the merged state. Both are kept, and count from the moment that the channel is handed over.
 */
import Type from "typebox";
import type { AccountId, ChannelId } from "../core/ids.ts";
import type { Op } from "../core/op.ts";
import { type Position, positionOf } from "../core/position.ts";
import type { ReadView } from "../core/read-view.ts";
import { earliest, merge, nextVersion, type Register } from "../core/register.ts";
import type {
  FoldView,
  HiddenInterval,
  MemberKey,
  MemberState,
  Standing,
  Subject,
} from "../core/view.ts";
import { declareKind } from "./kind.ts";
import { AccountKey, Version } from "./schema.ts";

export function memberKey(channel: ChannelId, account: AccountId): MemberKey {
  return `${channel} ${account}`;
}

export function splitMemberKey(key: MemberKey): { channel: ChannelId; account: AccountId } {
  const [channel, account] = key.split(" ") as [ChannelId, AccountId];
  return { channel, account };
}

export function isOwner(state: MemberState | undefined): boolean {
  return state?.owner?.value === true;
}

/** What counts: an owner is in, whatever else was said concurrently. */
export function standingOf(state: MemberState | undefined): Standing | "none" {
  if (state === undefined) return "none";
  return isOwner(state) ? "joined" : (state.standing?.value ?? "none");
}

/**
 * The version that a new standing carries. Who is in and joins again says nothing new and keeps the
 * version, so that it neither outvotes what is said elsewhere meanwhile nor moves the place of the joining.
 */
export function standingVersion(state: MemberState | undefined, next: Standing): number {
  const present = state?.standing;
  const again = present?.value === "joined" && next === "joined";
  return again ? present.version : nextVersion(present);
}

/** Since when this member is in by joining; null for who is not, and for who is in as an owner only. */
export function joinedSince(state: MemberState | undefined): Position | null {
  return state?.standing?.value === "joined" ? (state.joined ?? null) : null;
}

/**
 * Whether the op at this place may be the one that let this member in. Exact for members who never joined
 * twice; of those who did, the last joining passes too.
 */
function letsIn(state: MemberState, at: Position): boolean {
  if (state.standing?.value !== "joined") return at === state.owner?.at;
  return at === state.joined || at === state.standing.at;
}

/**
 * Whether this op may be why a member is in that was shown out of it: it let the member in; or it put it out and came to
 * two servers, and where it was shown the one stands that does not count.
 */
export function mayLetIn(state: MemberState | undefined, op: Op): boolean {
  if (standingOf(state) !== "joined" || state === undefined) return false;
  const set = op.kind === memberSet.number ? memberSet.parse(0, op)?.data.standing : undefined;
  const putsOut = set === "banned" || set === "removed" || set === "left";
  return putsOut || letsIn(state, positionOf(op));
}

/** The intervals in which this member's messages are hidden. */
export function hiddenIntervals(state: MemberState): HiddenInterval[] {
  if (isOwner(state)) return [];
  const intervals: HiddenInterval[] = [];
  let from: HiddenInterval["from"] | null = null;
  for (const change of state.bans) {
    if (change.value && from === null) from = change.at;
    if (!change.value && from !== null) {
      intervals.push({ from, to: change.at });
      from = null;
    }
  }
  if (from !== null) intervals.push({ from, to: null });
  return intervals;
}

/**
 * Of equal versions the later write counts, and the earliest joining is when it began: whoever joined
 * through two servers at once is in since the first of both.
 */
function mergeStanding(before: MemberState, write: Register<Standing>): MemberState {
  const { value, version, at } = write;
  const met = before.met === true || value === "joined" || value === "invited";
  const known: MemberState = met ? { ...before, met } : before;
  const present = before.standing?.version ?? 0;
  if (version < present) return known;
  const { joined, ...rest } = known;
  const first = version === present ? joined : undefined;
  const since = value === "joined" ? earliest(first, at) : first;
  const after = { ...rest, standing: merge(before.standing, write) };
  return since === undefined ? after : { ...after, joined: since };
}

function compareWrites(a: Register<unknown>, b: Register<unknown>): number {
  return a.version - b.version || (a.at < b.at ? -1 : 1);
}

export function mergeMember(
  view: FoldView,
  key: MemberKey,
  write: { standing?: Register<Standing>; owner?: Register<boolean> },
): void {
  const before: MemberState = view.get("member", key) ?? { bans: [] };
  let after = before;
  if (write.standing !== undefined) {
    after = mergeStanding(before, write.standing);
    // A creation, which also sets the owner, neither bans nor lifts a ban.
    const bans =
      write.owner !== undefined ? after.bans : bansAfter(view, key, after, write.standing);
    after = { ...after, bans };
  }
  if (write.owner !== undefined) after = { ...after, owner: merge(after.owner, write.owner) };
  view.put("member", key, after);
  const since = firstDifference(hiddenIntervals(before), hiddenIntervals(after));
  if (since !== null) hideAnew(view, key, since);
}

/** Hides what is to be hidden of this member's messages from a place on, and nothing else. */
export function hideAnew(view: FoldView, key: MemberKey, since: Position): void {
  const { channel, account } = splitMemberKey(key);
  view.hide(channel, account, hiddenIntervals(view.get("member", key) ?? { bans: [] }), since);
}

/** From where on two lists of intervals hide different messages; null where they never do. */
function firstDifference(
  a: readonly HiddenInterval[],
  b: readonly HiddenInterval[],
): Position | null {
  const ends = (intervals: readonly HiddenInterval[]) =>
    intervals.flatMap(({ from, to }) => (to === null ? [from] : [from, to]));
  const [some, others] = [ends(a), ends(b)];
  const differ = [
    ...some.filter((at) => !others.includes(at)),
    ...others.filter((at) => !some.includes(at)),
  ];
  return differ.length === 0 ? null : differ.reduce((first, at) => (at < first ? at : first));
}

/**
 * From where on a change of a member may have hidden or shown messages, or has where it came in another order;
 * null where nobody was ever banned. What is before it in the order of writes stands as it stood.
 */
export function mayTurnFrom(
  view: Pick<ReadView, "get" | "op" | "memberOps">,
  n: number,
  op: Op,
  key: MemberKey,
): Position | null {
  const bans = view.get("member", key)?.bans ?? [];
  const [first] = bans;
  if (first === undefined) return null;
  const write = op.kind === memberSet.number ? memberSet.parse(n, op) : null;
  if (write === null) return bans.reduce((least, { at }) => (at < least ? at : least), first.at);
  let since = write.at;
  for (const other of view.memberOps(key)) {
    const parsed = memberSet.parse(other, view.op(other));
    if (parsed === null || parsed.data.version < write.data.version) continue;
    if (parsed.at < since) since = parsed.at;
  }
  return since;
}

/** The changes into and out of a ban, one write later; `state` has its standing already. */
function bansAfter(
  view: FoldView,
  key: MemberKey,
  { bans, standing }: MemberState,
  write: Register<Standing>,
): readonly Register<boolean>[] {
  const banned = write.value === "banned";
  const last = bans.at(-1);
  if (last === undefined && !banned) return bans;
  const isNewest =
    standing?.at === write.at &&
    (last === undefined || last.at === write.at || compareWrites(last, write) < 0);
  if (!isNewest) return banHistory(view, key);
  if (banned === (last?.value ?? false)) return bans;
  return [...bans, { value: banned, version: write.version, at: write.at }];
}

/**
 * Every change into and out of a ban, read anew from all ops of this member: only where a write arrives
 * behind later ones, because what lifts a ban may have come before it.
 */
function banHistory(view: FoldView, key: MemberKey): Register<boolean>[] {
  const changes: Register<boolean>[] = [];
  for (const n of view.subjectOps({ table: "member", key })) {
    const op = view.op(n);
    if (op.kind !== memberSet.number || view.effect(op.author, op.id) !== n) continue;
    const parsed = memberSet.parse(n, op);
    if (parsed === null) continue;
    const { standing, version } = parsed.data;
    changes.push({ value: standing === "banned", version, at: parsed.at });
  }
  changes.sort(compareWrites);
  return changes.filter((change, i) => change.value !== (changes[i - 1]?.value ?? false));
}

export const memberSet = declareKind({
  number: 30,
  name: "member.set",
  scope: "channel",
  data: Type.Object({
    account: AccountKey,
    standing: Type.Union([
      Type.Literal("invited"),
      Type.Literal("joined"),
      Type.Literal("left"),
      Type.Literal("removed"),
      Type.Literal("banned"),
    ]),
    version: Version,
  }),
  body: null,
  subjects: (parsed): Subject[] => [
    {
      table: "member",
      key: memberKey(parsed.op.scope as ChannelId, parsed.data.account as AccountId),
    },
  ],
  apply(view, parsed, subject) {
    if (subject.table !== "member") return;
    const { standing, version } = parsed.data;
    mergeMember(view, subject.key, { standing: { value: standing, version, at: parsed.at } });
  },
});

/** Hands a channel over: one account becomes its owner, and the giver ceases to be. */
export const memberHandOver = declareKind({
  number: 31,
  name: "member.hand-over",
  scope: "channel",
  data: Type.Object({ to: AccountKey, versions: Type.Object({ from: Version, to: Version }) }),
  body: null,
  subjects: (parsed): Subject[] => {
    const channel = parsed.op.scope as ChannelId;
    return [
      { table: "member", key: memberKey(channel, parsed.op.author) },
      { table: "member", key: memberKey(channel, parsed.data.to as AccountId) },
    ];
  },
  apply(view, parsed, subject) {
    if (subject.table !== "member") return;
    const receives = splitMemberKey(subject.key).account === parsed.data.to;
    const version = receives ? parsed.data.versions.to : parsed.data.versions.from;
    mergeMember(view, subject.key, { owner: { value: receives, version, at: parsed.at } });
  },
});
