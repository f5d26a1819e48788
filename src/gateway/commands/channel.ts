import { Refusal } from "../../core/errors.ts";
import { type AccountId, type ChannelId, channelIdFor, type RequestId } from "../../core/ids.ts";
import {
  BANS_PER_MEMBER_MAX,
  CONVERSATIONS_PER_ACCOUNT_MAX,
  LIST_PAGE_DEFAULT,
  MEMBERS_PER_CHANNEL_MAX,
} from "../../core/limits.ts";
import { foldCase } from "../../core/names.ts";
import { nextVersion } from "../../core/register.ts";
import type { MemberState, Standing } from "../../core/view.ts";
import { channelCreate, channelUpdate } from "../../ops/channel.ts";
import {
  isOwner,
  memberHandOver,
  memberKey,
  memberSet,
  standingOf,
  standingVersion,
} from "../../ops/member.ts";
import { subjectKey } from "../../replica/pending.ts";
import type { Receipt } from "../../replica/replica.ts";
import type { ChannelPlace } from "../access.ts";
import type { Commands, SignedIn } from "../command.ts";
import { assertFree, type Claim, nameKey } from "../name-claim.ts";
import type { Services } from "../services.ts";
import { checkedName, checkTopic } from "../text.ts";
import { write } from "../write.ts";
import { copyReceipt } from "./receipt.ts";

const channelKey = (key: ChannelId) => subjectKey({ table: "channel", key });
const memberSubject = (channel: ChannelId, account: AccountId) =>
  subjectKey({ table: "member", key: memberKey(channel, account) });
/** Changed by every op that adds a channel to those of an account, or a member to a channel. */
const channelsOfKey = (account: AccountId) => `channels of ${account}`;
const membersKey = (channel: ChannelId) => `members ${channel}`;

type StandingChange = {
  id: string;
  /** Whose standing; resolved anew at each attempt, throws a Refusal. */
  account: () => AccountId;
  standing: Standing;
  /** The channel, as this caller may use it; throws a Refusal. */
  place: () => ChannelPlace;
  /** Whether the change makes sense for the member's present state; throws a Refusal. */
  allow: (member: MemberState | undefined, place: ChannelPlace) => void;
};

async function setStanding(
  services: Services,
  caller: SignedIn,
  change: StandingChange,
): Promise<{ receipt: Receipt; channel: ChannelId }> {
  let channel: ChannelId | null = null;
  const { receipt, n } = await write(services, caller, {
    author: caller.account,
    id: change.id as RequestId,
    kind: memberSet,
    matches: ({ standing }) => standing === change.standing,
    plan: () => {
      const place = change.place();
      const account = change.account();
      channel = place.conversation;
      const key = memberKey(channel, account);
      const member = services.view.get("member", key);
      const enters = change.standing === "joined" && standingOf(member) !== "joined";
      return {
        content: {
          scope: channel,
          data: {
            account,
            standing: change.standing,
            version: standingVersion(member, change.standing),
          },
          body: null,
        },
        depends: [
          channelKey(channel),
          memberSubject(channel, account),
          memberSubject(channel, caller.account),
        ],
        changes: [
          memberSubject(channel, account),
          ...(enters ? [channelsOfKey(account), membersKey(channel)] : []),
        ],
        allow: () => change.allow(member, place),
      };
    },
  });
  return { receipt, channel: channel ?? (services.view.op(n).scope as ChannelId) };
}

function assertMayBeInMore({ view, replica }: Services, account: AccountId): void {
  const joined = view.channelsOf(account).filter(({ standing }) => standing === "joined");
  const soon = replica.pendingCount(channelsOfKey(account));
  if (joined.length + soon < CONVERSATIONS_PER_ACCOUNT_MAX) return;
  throw new Refusal("too_large", "you are in too many channels: leave some first");
}

/** Each ban is kept for good, with the messages it hides: there is an end to banning and letting in. */
function assertMayLift(member: MemberState | undefined, account: string): void {
  const bans = (member?.bans ?? []).filter(({ value }) => value).length;
  if (bans < BANS_PER_MEMBER_MAX) return;
  throw new Refusal("too_large", `${account} was banned ${bans} times: the last ban stays`);
}

function assertNotOwner(member: MemberState | undefined, what: string): void {
  if (isOwner(member)) throw new Refusal("forbidden", `an owner cannot be ${what}`);
}

export const channelCommands: Commands<"channel"> = {
  "channel.create": {
    needs: "session",
    async handle(services, caller, params) {
      const { account } = caller;
      const id = params.id as RequestId;
      const name = checkedName(params.name);
      const topic = checkTopic(params.topic ?? "");
      const channel = channelIdFor(services.hash, account, id);
      const claim = { space: "channel", name, holder: channel } as const;
      const { receipt } = await write(services, caller, {
        author: account,
        id,
        kind: channelCreate,
        plan: () => ({
          content: {
            scope: null,
            data: { private: params.private ?? false },
            body: { name, topic },
          },
          depends: [nameKey("channel", name)],
          changes: [
            channelKey(channel),
            memberSubject(channel, account),
            channelsOfKey(account),
            nameKey("channel", name),
          ],
          claim,
          allow: () => {
            assertMayBeInMore(services, account);
            assertFree(services, claim);
          },
        }),
      });
      return { channel: services.render.channel(channel, account), receipt: copyReceipt(receipt) };
    },
  },
  "channel.join": {
    needs: "session",
    async handle(services, caller, params) {
      const { account } = caller;
      const { receipt, channel } = await setStanding(services, caller, {
        id: params.id,
        account: () => account,
        standing: "joined",
        place: () => services.access.joinable(params.in, account),
        allow: (member, place) => {
          if (standingOf(member) === "joined") return; // changes nothing, whatever is full
          assertMayBeInMore(services, account);
          const { conversation } = place;
          const soon = services.replica.pendingCount(membersKey(conversation));
          if (services.view.memberCount(conversation) + soon >= MEMBERS_PER_CHANNEL_MAX) {
            throw new Refusal("too_large", `${params.in} is full`);
          }
        },
      });
      return { channel: services.render.channel(channel, account), receipt: copyReceipt(receipt) };
    },
  },
  "channel.leave": {
    needs: "session",
    async handle(services, caller, params) {
      const { account } = caller;
      const { receipt } = await setStanding(services, caller, {
        id: params.id,
        account: () => account,
        standing: "left",
        place: () => services.access.joined(params.in, account),
        allow: (member) => {
          if (isOwner(member)) {
            throw new Refusal(
              "forbidden",
              `you own ${params.in}: hand it over to another member before you leave`,
            );
          }
        },
      });
      return { receipt: copyReceipt(receipt) };
    },
  },
  "channel.invite": {
    needs: "session",
    async handle(services, caller, params) {
      const { receipt } = await setStanding(services, caller, {
        id: params.id,
        account: () => services.access.account(params.account).id,
        standing: "invited",
        place: () => {
          const place = services.access.joined(params.in, caller.account);
          if (standingOf(place.member) === "joined") return place;
          throw new Refusal("forbidden", `you are not in ${params.in}: join it first`);
        },
        allow: (member, place) => {
          const standing = standingOf(member);
          if (standing === "joined") {
            throw new Refusal("invalid", `${params.account} is in ${params.in} already`);
          }
          if (standing !== "banned") return;
          if (!services.access.manages(place, caller.account)) {
            throw new Refusal("forbidden", `${params.account} is banned from ${params.in}`);
          }
          assertMayLift(member, params.account);
        },
      });
      return { receipt: copyReceipt(receipt) };
    },
  },
  "channel.update": { needs: "session", handle: updateChannel },
  "channel.members": {
    needs: "session",
    handle(services, caller, params) {
      const place = services.access.readable(params.in, caller.account);
      if (place.kind !== "channel") throw new Refusal("invalid", `${params.in} is no channel`);
      const limit = params.limit ?? LIST_PAGE_DEFAULT;
      const standings: Standing[] = ["joined"];
      if (standingOf(place.member) === "joined") standings.push("invited");
      if (services.access.manages(place, caller.account)) standings.push("banned");
      const after = params.after ?? "";
      const found = services.view.members(place.conversation, standings, after, limit + 1);
      const page = found.slice(0, limit);
      caller.shows(page.map((row) => row.account));
      const last = page.at(-1);
      return {
        members: page.map(({ account, standing, owner }) => {
          const { id, name, displayName } = services.render.account(account);
          const shown = owner ? "owner" : standing === "joined" ? "member" : standing;
          return {
            id,
            name,
            displayName,
            standing: shown as "owner" | "member" | "invited" | "banned",
            online: services.presence.isOnline(account),
          };
        }),
        ...(found.length > limit && last !== undefined ? { next: last.shown } : {}),
      };
    },
  },
  "channel.remove": {
    needs: "session",
    async handle(services, caller, params) {
      const { receipt } = await setStanding(services, caller, {
        id: params.id,
        account: () => services.access.account(params.account).id,
        standing: "removed",
        place: () => services.access.owned(params.in, caller.account),
        allow: (member) => {
          assertNotOwner(member, "removed");
          const standing = standingOf(member);
          if (standing !== "joined" && standing !== "invited") {
            throw new Refusal("not_found", `${params.account} is not in ${params.in}`);
          }
        },
      });
      return { receipt: copyReceipt(receipt) };
    },
  },
  "channel.ban": {
    needs: "session",
    async handle(services, caller, params) {
      const { receipt } = await setStanding(services, caller, {
        id: params.id,
        account: () => services.access.account(params.account).id,
        standing: params.lift === true ? "left" : "banned",
        place: () => services.access.owned(params.in, caller.account),
        allow: (member) => {
          assertNotOwner(member, "banned");
          if (params.lift !== true) return;
          if (standingOf(member) !== "banned") {
            throw new Refusal("not_found", `${params.account} is not banned from ${params.in}`);
          }
          assertMayLift(member, params.account);
        },
      });
      return { receipt: copyReceipt(receipt) };
    },
  },
  "channel.list": {
    needs: "session",
    handle(services, caller, { match, after, limit }) {
      const wanted = limit ?? LIST_PAGE_DEFAULT;
      const pattern = foldCase(match ?? "*").replace(/^#/, "");
      const found = services.view.listChannels(pattern, after ?? "", wanted + 1, caller.account);
      const page = found.slice(0, wanted);
      const last = page.at(-1);
      return {
        channels: page.map(({ holder }) =>
          services.render.channel(holder as ChannelId, caller.account),
        ),
        ...(found.length > wanted && last !== undefined ? { next: last.shown } : {}),
      };
    },
  },
};

type Update = {
  in: string;
  name?: string;
  topic?: string;
  private?: boolean;
  owner?: string;
  id: string;
};

async function updateChannel(services: Services, caller: SignedIn, params: Update) {
  const { account } = caller;
  const fields = [params.name, params.topic, params.private].filter((field) => field !== undefined);
  if (params.owner !== undefined) {
    if (fields.length > 0) {
      throw new Refusal("invalid", "hand a channel over in a request of its own");
    }
    return handOver(services, caller, params.in, params.owner, params.id as RequestId);
  }
  if (fields.length === 0) throw new Refusal("invalid", "nothing to change was given");
  const name = params.name === undefined ? undefined : checkedName(params.name);
  const topic = params.topic === undefined ? undefined : checkTopic(params.topic);
  const { receipt, n } = await write(services, caller, {
    author: account,
    id: params.id as RequestId,
    kind: channelUpdate,
    matches: (data, body) =>
      data.private === params.private &&
      (body === null || (body.name === name && body.topic === topic)),
    plan: () => {
      const place = services.access.owned(params.in, account);
      const { channel, conversation } = place;
      const claim: Claim | null =
        name === undefined ? null : { space: "channel", name, holder: conversation };
      const names = name === undefined ? [] : [nameKey("channel", name)];
      return {
        content: {
          scope: conversation,
          data: {
            ...(params.private === undefined ? {} : { private: params.private }),
            versions: {
              ...(name === undefined ? {} : { name: nextVersion(channel.name) }),
              ...(topic === undefined ? {} : { topic: nextVersion(channel.topic) }),
              ...(params.private === undefined ? {} : { private: nextVersion(channel.private) }),
            },
          },
          body: {
            ...(name === undefined ? {} : { name }),
            ...(topic === undefined ? {} : { topic }),
          },
        },
        depends: [channelKey(conversation), memberSubject(conversation, account), ...names],
        changes: [channelKey(conversation), ...names],
        ...(claim === null ? {} : { claim, allow: () => assertFree(services, claim) }),
      };
    },
  });
  const id = services.view.op(n).scope as ChannelId;
  return { channel: services.render.channel(id, account), receipt: copyReceipt(receipt) };
}

async function handOver(
  services: Services,
  caller: SignedIn,
  reference: string,
  owner: string,
  id: RequestId,
) {
  const { account } = caller;
  const { receipt, n } = await write(services, caller, {
    author: account,
    id,
    kind: memberHandOver,
    plan: () => {
      const place = services.access.owned(reference, account);
      const { id: to } = services.access.account(owner);
      const receiver = services.view.get("member", memberKey(place.conversation, to));
      return {
        content: {
          scope: place.conversation,
          data: {
            to,
            versions: {
              from: nextVersion(place.member?.owner),
              to: nextVersion(receiver?.owner),
            },
          },
          body: null,
        },
        depends: [
          memberSubject(place.conversation, account),
          memberSubject(place.conversation, to),
        ],
        changes: [
          memberSubject(place.conversation, account),
          memberSubject(place.conversation, to),
        ],
        allow: () => {
          if (to === account) throw new Refusal("invalid", "you own this channel already");
          if (standingOf(receiver) !== "joined") {
            throw new Refusal("forbidden", `${owner} is not in ${reference}`);
          }
        },
      };
    },
  });
  const channel = services.view.op(n).scope as ChannelId;
  return { channel: services.render.channel(channel, account), receipt: copyReceipt(receipt) };
}
