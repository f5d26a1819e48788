import Type from "typebox";
import {
  AccountRef,
  Channel,
  ChannelRef,
  cursored,
  Member,
  Name,
  PageLimit,
  RequestIdText,
  reading,
  receipted,
  Shape,
  Topic,
  Wildcard,
} from "../schema.ts";

const changed = Shape({ channel: Channel, ...receipted, ...cursored });

export const channelMethods = {
  "channel.create": {
    summary: "Makes a channel; its creator is its owner and first member.",
    params: Shape({
      name: Name,
      private: Type.Optional(Type.Boolean()),
      topic: Type.Optional(Topic),
      id: RequestIdText,
    }),
    result: changed,
  },
  "channel.join": {
    summary: "Joins a public channel, or a private one after an invitation.",
    params: Shape({ in: ChannelRef, id: RequestIdText }),
    result: changed,
  },
  "channel.leave": {
    summary: "Leaves a channel or declines an invitation. Its last owner hands over first.",
    params: Shape({ in: ChannelRef, id: RequestIdText }),
    result: Shape({ ...receipted, ...cursored }),
  },
  "channel.invite": {
    summary: "Lets an account join; any member of the channel may.",
    params: Shape({ in: ChannelRef, account: AccountRef, id: RequestIdText }),
    result: Shape({ ...receipted, ...cursored }),
  },
  "channel.update": {
    summary:
      "Owners and admins who are in: name, topic, private or not, or hand the channel over to another member.",
    params: Shape({
      in: ChannelRef,
      name: Type.Optional(Name),
      topic: Type.Optional(Topic),
      private: Type.Optional(Type.Boolean()),
      owner: Type.Optional(AccountRef),
      id: RequestIdText,
    }),
    result: changed,
  },
  "channel.members": {
    summary:
      "Who is in a channel, sorted by name; owners and admins who are in also see who is banned.",
    params: Shape({
      in: ChannelRef,
      after: Type.Optional(Type.String({ maxLength: 64 })),
      limit: Type.Optional(PageLimit),
      ...reading,
    }),
    result: Shape({
      members: Type.Array(Member),
      next: Type.Optional(Type.String()),
      ...cursored,
    }),
  },
  "channel.remove": {
    summary: "Owners and admins who are in: removes a member, who may join again.",
    params: Shape({ in: ChannelRef, account: AccountRef, id: RequestIdText }),
    result: Shape({ ...receipted, ...cursored }),
  },
  "channel.ban": {
    summary:
      "Owners and admins who are in: removes an account and keeps it out, or with `lift` lets it in again.",
    params: Shape({
      in: ChannelRef,
      account: AccountRef,
      lift: Type.Optional(Type.Boolean()),
      id: RequestIdText,
    }),
    result: Shape({ ...receipted, ...cursored }),
  },
  "channel.list": {
    summary: "Channels that one may see, by wildcard, sorted by name.",
    params: Shape({
      match: Type.Optional(Wildcard),
      after: Type.Optional(Type.String({ maxLength: 64 })),
      limit: Type.Optional(PageLimit),
      ...reading,
    }),
    result: Shape({
      channels: Type.Array(Channel),
      next: Type.Optional(Type.String()),
      ...cursored,
    }),
  },
} as const;
