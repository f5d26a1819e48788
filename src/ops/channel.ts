/** Channels: created and changed. A channel's id is its conversation's. */
import Type from "typebox";
import { type ChannelId, channelIdFor } from "../core/ids.ts";
import type { FoldedName } from "../core/names.ts";
import { merge } from "../core/register.ts";
import type { ChannelState, FoldView, Subject } from "../core/view.ts";
import { declareKind } from "./kind.ts";
import { memberKey, mergeMember } from "./member.ts";
import { claimName } from "./names.ts";
import { NameText, Version } from "./schema.ts";

/** Merges a change of a channel's state, and what follows from it for names. */
export function changeChannel(
  view: FoldView,
  key: ChannelId,
  change: (state: ChannelState) => ChannelState,
): void {
  const before = view.get("channel", key) ?? {};
  const after = change(before);
  view.put("channel", key, after);
  if (after.name !== before.name) {
    const claim = after.name === undefined ? null : { name: after.name.value, at: after.name.at };
    claimName(view, "channel", key, before.name?.value ?? null, claim);
  }
}

export const channelCreate = declareKind({
  number: 20,
  name: "channel.create",
  scope: "none",
  data: Type.Object({ private: Type.Boolean() }),
  body: Type.Object({ name: NameText, topic: Type.String() }),
  subjects(parsed, view): Subject[] {
    const { author, id } = parsed.op;
    const channel = channelIdFor(view.hash, author, id);
    return [
      { table: "channel", key: channel },
      { table: "member", key: memberKey(channel, author) },
    ];
  },
  apply(view, parsed, subject) {
    const { at, body, data } = parsed;
    if (subject.table === "member") {
      mergeMember(view, subject.key, {
        standing: { value: "joined", version: 1, at },
        owner: { value: true, version: 1, at },
      });
      return;
    }
    if (subject.table !== "channel") return;
    changeChannel(view, subject.key, (state) => ({
      ...state,
      created: at,
      private: merge(state.private, { value: data.private, version: 1, at }),
      ...(body === null
        ? {}
        : {
            name: merge(state.name, { value: body.name as FoldedName, version: 1, at }),
            topic: merge(state.topic, { value: body.topic, version: 1, at }),
          }),
    }));
  },
});

/** Changes some of a channel's fields, each with a version of its own. */
export const channelUpdate = declareKind({
  number: 21,
  name: "channel.update",
  scope: "channel",
  data: Type.Object({
    private: Type.Optional(Type.Boolean()),
    versions: Type.Object({
      name: Type.Optional(Version),
      topic: Type.Optional(Version),
      private: Type.Optional(Version),
    }),
  }),
  body: Type.Object({ name: Type.Optional(NameText), topic: Type.Optional(Type.String()) }),
  subjects: (parsed) => [{ table: "channel", key: parsed.op.scope as ChannelId }],
  apply(view, parsed, subject) {
    if (subject.table !== "channel") return;
    const { at, data, body } = parsed;
    changeChannel(view, subject.key, (state) => {
      let next = state;
      if (data.private !== undefined && data.versions.private !== undefined) {
        const version = data.versions.private;
        next = { ...next, private: merge(next.private, { value: data.private, version, at }) };
      }
      if (body?.name !== undefined && data.versions.name !== undefined) {
        const value = body.name as FoldedName;
        next = { ...next, name: merge(next.name, { value, version: data.versions.name, at }) };
      }
      if (body?.topic !== undefined && data.versions.topic !== undefined) {
        const version = data.versions.topic;
        next = { ...next, topic: merge(next.topic, { value: body.topic, version, at }) };
      }
      return next;
    });
  },
});
