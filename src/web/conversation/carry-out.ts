/** What typed commands do: one function for each. They reject with HoldfastError; the composer shows it. */
import { HoldfastError } from "../../client/index.ts";
import { openDialog } from "../frame/dialogs.ts";
import type { App } from "../state/app.ts";
import type { ConversationState } from "../state/conversations.ts";
import type { Typed } from "./typed.ts";

export type Carried = {
  readonly app: App;
  readonly conversation: ConversationState;
  /** Before the conversation itself is left, so that being gone is no surprise. */
  readonly onLeave: () => void;
};

/** Those that are neither a message to here nor refused. */
export type Deed = Exclude<Typed, { is: "nothing" | "wrong" | "exit" | "say" }>;

type Deeds = {
  readonly [K in Deed["is"]]: (
    typed: Extract<Deed, { is: K }>,
    carried: Carried,
  ) => Promise<void> | void;
};

const DEEDS: Deeds = {
  go: async ({ to }, { app }) => {
    await app.conversations.open(to);
  },
  say_to: async ({ to, text }, { app }) => {
    const id = await app.conversations.open(to);
    app.pending.post(app.conversations.byId(id).peek() ?? { id }, text);
  },
  join: async ({ channel }, { app }) => {
    const id = await resolve(app, channel);
    await app.channels.join(id);
    app.place.go({ is: "conversation", id });
  },
  leave: async ({ channel }, { app, conversation, onLeave }) => {
    const id = channel === undefined ? channelOf(conversation).id : await resolve(app, channel);
    const isHere = id === conversation.id;
    if (isHere) onLeave();
    await app.channels.leave(id);
    if (isHere) app.place.go({ is: "home" }, { replace: true });
    app.alerts.show({ kind: "info", text: `You left ${channel ?? conversation.handle}.` });
  },
  create: async ({ name, isPrivate }, { app }) => {
    const id = await app.channels.create({ name, private: isPrivate });
    app.place.go({ is: "conversation", id });
  },
  invite: async ({ account }, { app, conversation }) => {
    await app.channels.invite(channelOf(conversation).id, account);
    app.alerts.show({ kind: "good", text: `${account} was invited.` });
  },
  topic: async ({ text }, { app, conversation }) => {
    await app.channels.update(channelOf(conversation).id, { topic: text });
    app.alerts.show({ kind: "good", text: "The topic was changed." });
  },
  search: ({ text }, { app, conversation }) =>
    app.place.go({ is: "search", text, in: conversation.id }),
  members: (_, { app, conversation }) =>
    app.place.go({ is: "conversation", id: channelOf(conversation).id, side: "members" }),
  help: () => openDialog("shortcuts"),
};

export async function carryOut(typed: Deed, carried: Carried): Promise<void> {
  const deed = DEEDS[typed.is] as (typed: Deed, carried: Carried) => Promise<void> | void;
  await deed(typed, carried);
}

function channelOf(conversation: ConversationState): ConversationState {
  if (conversation.kind === "channel") return conversation;
  throw new HoldfastError("invalid", "this is for channels, and a conversation of two is none");
}

async function resolve(app: App, reference: string): Promise<string> {
  const known = app.conversations.list.peek().find(({ handle }) => handle === reference);
  if (known !== undefined) return known.id;
  const { id } = await app.client.call(
    "conversation.resolve",
    { in: reference },
    { deadlineMs: 15_000 },
  );
  return id;
}
