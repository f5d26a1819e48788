/** In which order an SDK hears what came before it, and what of it still counts. */
import { beforeEach, expect, test } from "bun:test";
import type { Socket } from "../../client/index.ts";
import { begunFirst } from "./begun-socket.ts";
import { Begun, firstWords } from "./first-words.ts";

const URL = "ws://chat.test/v1/ws";
const ID = `c_${"x".repeat(21)}A`;

type Event = { data?: unknown; code?: number };

class FakeSocket implements Socket {
  static made: FakeSocket[] = [];
  readonly url: string;
  readonly sent: { id: string | number; method: string; params: object }[] = [];
  isClosed = false;
  private readonly listeners: { type: string; listener: (event: Event) => void }[] = [];

  constructor(url: string) {
    this.url = url;
    FakeSocket.made.push(this);
  }

  addEventListener(type: string, listener: (event: Event) => void): void {
    this.listeners.push({ type, listener });
  }

  send(text: string): void {
    this.sent.push(JSON.parse(text));
  }

  close(): void {
    this.isClosed = true;
  }

  tell(type: string, event: Event = {}): void {
    for (const one of this.listeners) if (one.type === type) one.listener(event);
  }

  says(frame: object): void {
    this.tell("message", { data: JSON.stringify(frame) });
  }
}

const HELLO = { id: "hello", method: "server.hello", params: { protocol: 1, client: "holdfast" } };
const RESUME = { id: "resume", method: "session.resume", params: { token: "cookie" } };
const HISTORY = { id: 1, method: "message.history", params: { at: "cursor", in: ID, limit: 80 } };
const answers = {
  hello: { id: "first hello", result: { server: "a" } },
  resume: { id: "first resume", result: { session: "s" } },
  history: { id: "first history", result: { messages: ["old"] } },
  list: { id: "first list", result: { conversations: [] } },
};
const POSTED = { method: "message.posted", params: { message: {} } };
const BEAT = { method: "server.beat", params: {} };

let begun: Begun;
let wire: FakeSocket;
let heard: unknown[];

beforeEach(() => {
  FakeSocket.made = [];
  heard = [];
  begun = new Begun(URL, firstWords(`#/c/${ID}`), FakeSocket);
  wire = FakeSocket.made[0] as FakeSocket;
});

const soon = () => new Promise((resolve) => setTimeout(resolve));

/** As the SDK connects; what it hears is in `heard`. */
function connect(): { ask: (frame: object) => Promise<unknown>; socket: Socket } {
  const socket = new (begunFirst(begun, FakeSocket))(URL);
  for (const type of ["open", "error", "close"] as const) {
    socket.addEventListener(type, () => heard.push(type));
  }
  socket.addEventListener("message", ({ data }) => heard.push(JSON.parse(String(data))));
  const ask = (frame: object) => {
    socket.send(JSON.stringify(frame));
    return soon();
  };
  return { ask, socket };
}

async function signedIn() {
  wire.tell("open");
  wire.says(answers.hello);
  wire.says(answers.resume);
  const { ask } = connect();
  await soon();
  await ask(HELLO);
  await ask(RESUME);
  heard = [];
  wire.sent.length = 0;
  return ask;
}

test("everything is said in one go as soon as there is a connection", () => {
  expect(wire.sent).toEqual([]);
  wire.tell("open");
  expect(wire.sent.map(({ method }) => method)).toEqual([
    "server.hello",
    "session.resume",
    "message.history",
    "conversation.list",
  ]);
});

test("answers come to who asks, by the id of the asking, and nothing overtakes hello and resume", async () => {
  wire.tell("open");
  for (const frame of [answers.hello, answers.resume, BEAT, answers.history]) wire.says(frame);
  wire.sent.length = 0;
  const { ask } = connect();
  expect(heard).toEqual([]);
  await soon();
  expect(heard).toEqual(["open"]);
  await ask(HELLO);
  expect(heard.at(-1)).toEqual({ id: "hello", result: { server: "a" } });
  await ask(RESUME);
  expect(heard.slice(2)).toEqual([{ id: "resume", result: { session: "s" } }, BEAT]);
  await ask(HISTORY);
  expect(heard.at(-1)).toEqual({ id: 1, result: { messages: ["old"] } });
  expect(wire.sent).toEqual([]);
});

test("an answer that comes after the asking", async () => {
  const ask = await signedIn();
  await ask(HISTORY);
  wire.says(POSTED);
  wire.says(answers.history);
  expect(heard).toEqual([POSTED, { id: 1, result: { messages: ["old"] } }]);
  expect(wire.sent).toEqual([]);
});

test("what was read before something happened is asked anew", async () => {
  const ask = await signedIn();
  wire.says(answers.history);
  wire.says(POSTED);
  wire.says(answers.list);
  await ask(HISTORY);
  expect(heard).toEqual([POSTED]);
  expect(wire.sent).toEqual([HISTORY]);
});

test("an answer that nobody can want any more is not heard", async () => {
  const ask = await signedIn();
  wire.says(POSTED);
  await ask(HISTORY);
  wire.says(answers.history);
  const real = { id: 1, result: { messages: ["old", "new"] } };
  wire.says(real);
  expect(heard).toEqual([POSTED, real]);
});

test("a beat tells of nothing that happened", async () => {
  const ask = await signedIn();
  wire.says(answers.history);
  wire.says(BEAT);
  await ask(HISTORY);
  expect(wire.sent).toEqual([]);
  expect(heard).toContainEqual({ id: 1, result: { messages: ["old"] } });
});

test("a read that was refused is asked anew, whichever comes first", async () => {
  const refused = { id: "first history", error: { code: 1, message: "sign in first" } };
  const ask = await signedIn();
  wire.says(refused);
  await ask(HISTORY);
  expect(wire.sent).toEqual([HISTORY]);
  const other = { id: "first list", error: { code: 1, message: "sign in first" } };
  const LIST = { id: 2, method: "conversation.list", params: { limit: 50 } };
  await ask(LIST);
  wire.says(other);
  expect(wire.sent).toEqual([HISTORY, LIST]);
  expect(heard).toEqual([]);
});

test("a refused session is told to who asks for it", async () => {
  wire.tell("open");
  wire.says(answers.hello);
  wire.says({ id: "first resume", error: { code: 2, message: "over" } });
  const { ask } = connect();
  await ask(HELLO);
  await ask(RESUME);
  expect(heard.at(-1)).toEqual({ id: "resume", error: { code: 2, message: "over" } });
});

test("an SDK that says something else at first is not answered what it did not ask", async () => {
  wire.tell("open");
  for (const frame of Object.values(answers)) wire.says(frame);
  wire.sent.length = 0;
  const { ask } = connect();
  const other = { ...HELLO, params: { protocol: 2 } };
  await ask(other);
  await ask(HISTORY);
  expect(wire.sent).toEqual([other, HISTORY]);
  expect(heard).toEqual(["open"]);
  wire.says(POSTED);
  expect(heard).toEqual(["open", POSTED]);
});

test("a question in other words goes out", async () => {
  const ask = await signedIn();
  wire.says(answers.history);
  const elsewhere = { ...HISTORY, params: { ...HISTORY.params, limit: 50 } };
  await ask(elsewhere);
  expect(wire.sent).toEqual([elsewhere]);
});

test("what breaks is heard to break, and closing closes", async () => {
  wire.tell("open");
  const { ask, socket } = connect();
  await ask(HELLO);
  wire.tell("close", { code: 1006 });
  expect(heard).toEqual(["open", "close"]);
  socket.close();
  expect(wire.isClosed).toBe(true);
});

test("it is for the first connection to its own address, and only while it lives", () => {
  const Socket = begunFirst(begun, FakeSocket);
  new Socket("ws://other.test/v1/ws");
  expect(wire.isClosed).toBe(true);
  new Socket(URL);
  expect(FakeSocket.made.map(({ url }) => url)).toEqual([URL, "ws://other.test/v1/ws", URL]);
  const broken = new Begun(URL, [], FakeSocket);
  FakeSocket.made.at(-1)?.tell("error");
  new (begunFirst(broken, FakeSocket))(URL);
  expect(FakeSocket.made).toHaveLength(5);
});

test("where no script ever asks it ends by itself", () => {
  wire.tell("open");
  for (let i = 0; i < 2_000 && !wire.isClosed; i++) wire.says(BEAT);
  expect(wire.isClosed).toBe(true);
});
