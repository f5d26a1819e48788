/**
 * What a client reads: from a server, which may be anything that listens at an address, and from its own disk,
 * which anybody may have changed. A client goes on whatever that is: it tells of a fault, or leaves the server.
 */
import { Client } from "../../src/client/client.ts";
import { HoldfastError } from "../../src/client/error.ts";
import { parseFrame } from "../../src/client/frames.ts";
import { type Kept, keptOf, parseKept } from "../../src/client/outbox-kept.ts";
import type { KeptStorage, Socket } from "../../src/client/ports.ts";
import { rpc } from "../../src/client/rpc.ts";
import { FakeClock, FakeRandom } from "../../src/client/testing/clock.ts";
import { isRequestId } from "../../src/core/ids.ts";
import { asText, type Decoder } from "./fuzz.ts";

const ANN = `a_${"A".repeat(22)}`;
const OPS = `c_${"C".repeat(21)}A`;
const MESSAGE = `m_${"A".repeat(43)}`;
const TOKEN = `hft_${"T".repeat(43)}`;
const ID = "019a0000-0000-7000-8000-000000000001";
const CURSOR = "1~store~7~mark~06h02d5jg0000~0~";
const URL_A = "http://a:7300";

const account = { id: ANN, name: "ann", displayName: "Ann" };
const receipt = { held: ["a"], of: 1 };
const message = {
  id: MESSAGE,
  conversation: OPS,
  author: account,
  text: "hello",
  at: 1_700_000_000_000,
  position: "06h02d5jg0000-a.0123456789-11",
};
const servers = [
  { name: "a", url: URL_A, state: "live", inSync: true },
  { name: "b", url: "http://b:7300", state: "suspect" },
];
const hello = { cluster: "k_1", server: "a", version: "0", protocol: 1, servers, cursor: CURSOR };
const resumed = { account, session: "s_1", cursor: CURSOR };
const error = { code: -32013, message: "not now", data: { code: "unavailable", retry: true } };
const conversation = { id: OPS, name: "#ops", kind: "channel", account };

type Stage = "hello" | "resume" | "live";
/** When it is said, and what: a frame of a server in a session that is good until then. */
type Said = [stage: Stage, frame: unknown];

const event = (method: string, params: object): Said => [
  "live",
  { jsonrpc: "2.0", method, params: { ...params, cursor: CURSOR } },
];
const GOOD_HELLO: Said = ["hello", { jsonrpc: "2.0", id: "hello", result: hello }];
const GOOD_RESUME: Said = ["resume", { jsonrpc: "2.0", id: "resume", result: resumed }];
const SAID: readonly Said[] = [
  GOOD_HELLO,
  GOOD_RESUME,
  ["live", { jsonrpc: "2.0", id: 1, result: { conversations: [conversation], cursor: CURSOR } }],
  ["live", { jsonrpc: "2.0", id: 1, error }],
  ["live", { jsonrpc: "2.0", id: 2, result: { id: OPS, conversation, cursor: CURSOR } }],
  ["live", { jsonrpc: "2.0", id: 2, error: { ...error, data: { code: "behind", servers } } }],
  event("message.posted", { message }),
  event("message.changed", { message: { ...message, deleted: true } }),
  event("message.held", { id: MESSAGE, receipt }),
  event("conversation.opened", { conversation }),
  event("account.changed", { account }),
  event("servers.changed", { servers }),
  event("server.beat", {}),
  event("caught_up", {}),
  event("reset", {}),
];

/** A client is told of a fault, or leaves. */
const ENDING: readonly Said[] = [
  ["hello", { jsonrpc: "2.0", id: "hello", error }],
  ["resume", { jsonrpc: "2.0", id: "resume", error }],
  ["live", { jsonrpc: "2.0", id: null, error }],
  event("session.ended", { session: "s_1", reason: "signed out" }),
  event("server.stopping", {}),
  [
    "resume",
    { jsonrpc: "2.0", id: "resume", error: { ...error, data: { code: "session_ended" } } },
  ],
];

/** The socket of the client of this moment: what is said on it is the test's. */
class HostileSocket implements Socket {
  static all: HostileSocket[] = [];
  private readonly listeners = new Map<string, (event: { data?: unknown }) => void>();

  constructor() {
    HostileSocket.all.push(this);
  }
  addEventListener(type: string, listener: (event: { data?: unknown }) => void): void {
    this.listeners.set(type, listener);
  }
  send(): void {}
  close(): void {}
  say(data: unknown): void {
    this.listeners.get("message")?.({ data });
  }
  open(): void {
    this.listeners.get("open")?.({});
  }
}

const turns = async (count: number) => {
  for (let i = 0; i < count; i++) await Promise.resolve();
};

/** What nobody caught: a client must leave none, for it ends the program that has it. */
const uncaught: unknown[] = [];
process.on("unhandledRejection", (reason) => uncaught.push(reason));

function storageOf(kept: Iterable<[string, string]>): KeptStorage {
  const all = [...kept];
  return { list: (prefix) => all.filter(([key]) => key.startsWith(prefix)), set: () => {} };
}

function clientOf(storage: KeptStorage, token: string | undefined) {
  HostileSocket.all = [];
  const client = new Client({
    servers: [URL_A],
    WebSocket: HostileSocket,
    clock: new FakeClock(),
    random: new FakeRandom(1),
    storage,
    ...(token === undefined ? {} : { token }),
  });
  let faults = 0;
  client.on("fault", () => {
    faults++;
  });
  return { client, faults: () => faults };
}

/** Only codes and messages reach an application, whoever made them up. */
function isHoldfast(reason: unknown): void {
  if (!(reason instanceof HoldfastError)) throw reason;
  if (typeof reason.message !== "string" || typeof reason.code !== "string") {
    throw new Error("an error that is none");
  }
}

const text = ([, frame]: Said) => (typeof frame === "string" ? frame : JSON.stringify(frame));

async function session([stage, frame]: Said): Promise<string> {
  const { client, faults } = clientOf(storageOf([]), TOKEN);
  const wrong: unknown[] = [];
  const settle = (call: Promise<unknown>) =>
    call.then(
      () => {},
      (reason) => {
        try {
          isHoldfast(reason);
        } catch (odd) {
          wrong.push(odd);
        }
      },
    );
  await turns(8);
  const [socket] = HostileSocket.all;
  if (socket === undefined) throw new Error("it did not dial");
  socket.open();
  const said = text([stage, frame]);
  socket.say(stage === "hello" ? said : text(GOOD_HELLO));
  if (stage !== "hello") socket.say(stage === "resume" ? said : text(GOOD_RESUME));
  if (stage === "live") {
    void settle(client.call("conversation.list", {}));
    void settle(client.post("@bob", "hi"));
    await turns(8);
    socket.say(said);
  }
  await turns(8);
  const { state } = client.connection;
  client.connection.error?.message.slice(0, 1);
  for (const server of client.servers) new URL(server);
  const outcome =
    faults() > 0 ? "fault" : state === "live" || state === "resuming" ? "taken" : "left";
  await client.close();
  await turns(8);
  if (wrong.length > 0) throw wrong[0];
  if (uncaught.length > 0) throw uncaught.pop();
  return `${outcome}: ${stage} ${state}`;
}

const STAGES: readonly Stage[] = ["hello", "resume", "live"];

const sessions: Decoder = {
  name: "what servers say to clients",
  of: [
    "src/client/client.ts Client",
    "src/client/connection.ts Connection",
    "src/client/cursors.ts Shown",
  ],
  form: "json",
  cost: 4,
  good: () => SAID.map((said) => JSON.stringify(said)),
  also: () => ENDING.map((said) => JSON.stringify(said)),
  outcomes: ["taken", "fault", "left"],
  decode(input) {
    let said: unknown;
    try {
      said = JSON.parse(asText(input));
    } catch {
      return session(["live", asText(input)]);
    }
    const [stage, frame] = (Array.isArray(said) ? said : ["live", said]) as Said;
    return session([STAGES.includes(stage) ? stage : "live", frame ?? "null"]);
  },
};

const frames: Decoder = {
  name: "frames of servers",
  of: ["src/client/frames.ts parseFrame"],
  form: "json",
  good: () => SAID.map(text),
  also: () => ENDING.map(text),
  outcomes: ["taken", "other"],
  decode(input) {
    const frame = parseFrame(asText(input));
    return frame.kind === "other" ? `other: ${frame.why}` : `taken: ${frame.kind}`;
  },
};

const httpAnswers: Decoder = {
  name: "answers over HTTP",
  of: ["src/client/rpc.ts rpc"],
  form: "json",
  cost: 2,
  good: () => [JSON.stringify({ jsonrpc: "2.0", id: 1, result: hello })],
  also: () => [JSON.stringify({ jsonrpc: "2.0", id: 1, error })],
  outcomes: ["taken", "indefinite", "unavailable"],
  async decode(input) {
    const real = globalThis.fetch;
    globalThis.fetch = (async () => new Response(asText(input))) as unknown as typeof fetch;
    try {
      await rpc(URL_A, TOKEN, "message.post", { to: ANN, text: "x", id: ID });
      return "taken";
    } catch (reason) {
      isHoldfast(reason);
      const { code } = reason as HoldfastError;
      return ["indefinite", "unavailable"].includes(code) ? code : "unavailable";
    } finally {
      globalThis.fetch = real;
    }
  },
};

const entry = { id: ID, to: "@bob", text: "hi", state: "waiting", at: 1 } as const;
const KEPT = [
  { entry, account: ANN, target: { to: OPS, conversation: OPS }, attempted: true },
  {
    entry: { ...entry, state: "failed", error: { code: "forbidden", message: "no" } },
    attempted: false,
  },
  { entry: { ...entry, state: "stored", receipt, message }, attempted: true },
].map((kept) => JSON.stringify(kept));

const outboxes: Decoder = {
  name: "kept outbox entries",
  of: ["src/client/outbox-kept.ts parseKept"],
  form: "json",
  good: () => KEPT,
  outcomes: ["taken", "none"],
  decode(input) {
    const kept = parseKept(asText(input));
    if (kept === undefined) return "none";
    checkKept(kept);
    return `taken: ${kept.entry.state}`;
  },
};

/** What it says of its members is so: the outbox sorts by ids, sends texts and shows errors. */
function checkKept(kept: Kept): void {
  const { id, to, text: content, at, error: told } = kept.entry;
  const isEntry = typeof id === "string" && isRequestId(id) && typeof to === "string";
  const isTold =
    told === undefined || (typeof told.code === "string" && typeof told.message === "string");
  if (!isEntry || typeof content !== "string" || !Number.isFinite(at) || !isTold) {
    throw new Error("an entry that is none was taken");
  }
  if (parseKept(keptOf(kept)) === undefined) throw new Error("it is not what it is kept as");
}

const stores: Decoder = {
  name: "what clients kept",
  of: ["src/client/session.ts KeptSession", "src/client/servers.ts Servers"],
  form: "json",
  cost: 4,
  good: () => {
    const kept = { token: TOKEN, account: ANN, cluster: "k_1", servers };
    const cursor = { account: ANN, cursor: CURSOR };
    return [
      JSON.stringify({ session: kept, cursor, [`outbox/${ID}`]: JSON.parse(KEPT[0] as string) }),
      JSON.stringify({ session: kept, [`outbox/${ID}`]: JSON.parse(KEPT[1] as string) }),
    ];
  },
  outcomes: ["taken", "none"],
  async decode(input) {
    const kept = new Map<string, string>([["session", asText(input)]]);
    try {
      for (const [key, value] of Object.entries((JSON.parse(asText(input)) as object) ?? {})) {
        kept.set(key, typeof value === "string" ? value : JSON.stringify(value));
      }
    } catch {
      // then the session is that text
    }
    const { client } = clientOf(storageOf(kept), undefined);
    await turns(8);
    const [socket] = HostileSocket.all;
    socket?.open();
    socket?.say(text(GOOD_HELLO));
    socket?.say(text(GOOD_RESUME));
    await turns(16);
    for (const one of client.outbox.entries) one.text.slice(0, 1);
    for (const server of client.servers) new URL(server);
    const outcome = client.token === undefined ? "none" : "taken";
    await client.close();
    await turns(8);
    if (uncaught.length > 0) throw uncaught.pop();
    return outcome;
  },
};

export const answerDecoders: readonly Decoder[] = [sessions, frames, httpAnswers, outboxes, stores];
