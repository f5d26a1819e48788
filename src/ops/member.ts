/**
 * Members of channels: who is invited, in, out or banned, and who owns.
 *
 * The owner of a channel cannot be demoted by concurrency: removal and ban have no effect on whoever owns
 * it in the merged state. Both are kept, and count from the moment that the channel is handed over.
 */
import Type from "typebox";
import type { AccountId, ChannelId } from "../core/ids.ts";
import { merge, type Register } from "../core/register.ts";
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
    after = { ...after, standing: merge(after.standing, write.standing) };
    if (write.standing.value === "banned" || before.bans.length > 0) {
      after = { ...after, bans: banHistory(view, key) };
    }
  }
  if (write.owner !== undefined) after = { ...after, owner: merge(after.owner, write.owner) };
  view.put("member", key, after);
  const intervals = hiddenIntervals(after);
  if (JSON.stringify(hiddenIntervals(before)) !== JSON.stringify(intervals)) hideAnew(view, key);
}

/** Hides what is to be hidden of this member's messages, and nothing else. */
export function hideAnew(view: FoldView, key: MemberKey): void {
  const { channel, account } = splitMemberKey(key);
  view.hide(channel, account, hiddenIntervals(view.get("member", key) ?? { bans: [] }));
}

/**
 * Every change into and out of a ban. Read anew from all ops of this member (few, and only for those who
 * were ever banned), because what lifts a ban may have arrived before it.
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
