/** The SDK as the chat sees it, by hand, and a chat over it: for the tests of the chat. */

import { Chat, type ChatClient } from "../src/cli/chat.ts";
import { type Calendar, localCalendar } from "../src/cli/format.ts";
import type { Span } from "../src/cli/paint.ts";
import {
  type ClientEvents,
  type ConnectionState,
  type Conversation,
  HoldfastError,
  type Message,
  type OutboxEntry,
} from "../src/client/index.ts";

export type Calls = Record<string, (params: Record<string, unknown>) => unknown>;

/** The SDK as the chat sees it: answers by table, events by hand. */
export class FakeClient {
  account: { id: string; name: string; displayName: string } | undefined = ann;
  connection: { state: ConnectionState; since: number; name?: string } = {
    state: "live",
    since: 0,
  };
  calls: [string, Record<string, unknown>][] = [];
  answers: Calls;
  entries: OutboxEntry[] = [];
  dropped: string[] = [];
  private readonly listeners = new Map<string, ((params: never) => unknown)[]>();

  constructor(answers: Calls = {}) {
    this.answers = {
      "conversation.list": () => ({ conversations: [] }),
      "conversation.read": () => ({ unread: 0 }),
      "conversation.resolve": ({ in: ref }) => {
        const found = [ops, bobs].find(({ id, name }) => ref === id || ref === name);
        if (found === undefined) throw new HoldfastError("not_found", "there is no such thing");
        return { id: found.id, conversation: found };
      },
      ...answers,
    };
  }

  get outbox() {
    return {
      entries: this.entries,
      post: ({ to, text }: { to: string; text: string }) => {
        const id = `out-${this.entries.length + 1}`;
        const entry: OutboxEntry = { id, to, text, state: "waiting", at: 0 };
        this.entries = [...this.entries, entry];
        return entry;
      },
      drop: (id: string) => {
        this.dropped.push(id);
        this.entries = this.entries.filter((entry) => entry.id !== id);
      },
    };
  }

  async call(method: string, params: Record<string, unknown> = {}): Promise<unknown> {
    this.calls.push([method, params]);
    const answer = this.answers[method];
    if (answer === undefined) throw new Error(`nobody said what ${method} answers`);
    return { cursor: "x", ...((await answer(params)) as object) };
  }

  on(event: string, listener: (params: never) => unknown): () => void {
    this.listeners.set(event, [...(this.listeners.get(event) ?? []), listener]);
    return () => {};
  }

  /** Settled when every listener is done, as the SDK's cursor waits for it. */
  async emit<E extends keyof ClientEvents>(event: E, params: Partial<ClientEvents[E]>) {
    const listeners = this.listeners.get(event) ?? [];
    await Promise.all(listeners.map((listener) => listener({ cursor: "c", ...params } as never)));
  }

  async become(state: ConnectionState, name = "t"): Promise<void> {
    this.connection = { state, since: 0, name };
    await this.emit("connection", this.connection);
  }

  called(method: string): Record<string, unknown>[] {
    return this.calls.filter(([name]) => name === method).map(([, params]) => params);
  }
}

export const ann = { id: "a_ann", name: "ann", displayName: "" };
export const bob = { id: "a_bob", name: "bob" };
export const ops: Conversation = {
  id: "c_ops",
  kind: "channel",
  name: "#ops",
  channel: { id: "c_ops", name: "ops", topic: "on call", private: false, members: 2 },
  unread: 0,
};
export const bobs: Conversation = {
  id: "d_bob",
  kind: "direct",
  name: "@bob",
  account: bob,
  unread: 0,
};

export const noon = Date.UTC(2026, 10, 22, 12, 0);
const utc: Calendar = (ms) => localCalendar(ms + new Date(ms).getTimezoneOffset() * 60_000);

let numbered = 0;
export function said(text: string, more: Partial<Message> = {}): Message {
  const position = `p${String(++numbered).padStart(6, "0")}`;
  return {
    id: `m${position}`,
    conversation: ops.id,
    author: bob,
    text,
    at: noon,
    position,
    ...more,
  };
}

export function openChat(
  client: FakeClient,
  more: { resumes?: boolean; place?: string; width?: number } = {},
) {
  const lines: string[] = [];
  const spans: (readonly Span[])[] = [];
  const prompts: string[] = [];
  const timers: (() => void)[] = [];
  const answers: (string | undefined)[] = [];
  const chat = new Chat({
    client: client as unknown as ChatClient,
    screen: {
      width: more.width ?? 80,
      print: (printed) => {
        spans.push(...printed);
        lines.push(...printed.map((line) => line.map(({ text }) => text).join("")));
      },
      prompt: (text) => prompts.push(text),
      ask: async () => answers.shift(),
    },
    calendar: utc,
    wallMs: () => noon,
    schedule: (_, run) => {
      timers.push(run);
      return () => timers.splice(timers.indexOf(run), 1);
    },
    resumes: more.resumes ?? false,
    interactive: true,
    place: more.place === undefined ? undefined : { id: more.place, name: more.place },
  });
  chat.start();
  const settled = async () => {
    for (let i = 0; i < 20; i++) await chat.idle();
  };
  const type = async (text: string) => {
    chat.line(text);
    await settled();
  };
  const tick = () => {
    for (const run of timers.splice(0)) run();
  };
  const messages = () => lines.filter((line) => /^\d\d:\d\d /.test(line));
  return { chat, lines, spans, prompts, answers, settled, type, tick, messages };
}

export function waitingClient(found: [Conversation, Message[]][]): FakeClient {
  return new FakeClient({
    "conversation.list": () => ({
      conversations: found.map(([conversation, messages]) => ({
        ...conversation,
        unread: messages.length,
      })),
    }),
    "message.history": ({ in: id }) => ({
      messages: found.find(([conversation]) => conversation.id === id)?.[1] ?? [],
    }),
  });
}
