/** Read markers: they follow the account and only move forward. */
import Type from "typebox";
import { POSITION_LENGTH_MAX, type Position, parsePosition } from "../core/position.ts";
import { latest } from "../core/register.ts";
import { declareKind } from "./kind.ts";
import { conversationOf } from "./message.ts";

export const markerSet = declareKind({
  number: 50,
  name: "marker.set",
  scope: "conversation",
  data: Type.Object({ upTo: Type.String({ maxLength: POSITION_LENGTH_MAX }) }),
  body: null,
  subjects: ({ op }, view) => [
    { table: "marker", key: `${op.author} ${conversationOf(view.hash, op)}` },
  ],
  apply(view, parsed, subject) {
    if (subject.table !== "marker" || parsePosition(parsed.data.upTo) === null) return;
    const upTo = parsed.data.upTo as Position;
    const current = view.get("marker", subject.key)?.upTo;
    // One that is behind says nothing, not even that what came late meanwhile was seen.
    if (latest(current, upTo) === upTo) view.put("marker", subject.key, { upTo });
  },
});
