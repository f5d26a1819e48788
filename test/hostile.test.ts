/** Hostile requests of every kind to a whole server: always an answer or a close by the stated rule, never a defect. */
import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { parseCursor } from "../src/core/cursor.ts";
import { REFUSAL_CODES } from "../src/core/errors.ts";
import { type MethodName, methods } from "../src/protocol/methods.ts";
import { count, heavy } from "./heavy.ts";
import { Dice } from "./hostile/dice.ts";
import { type Dictionary, frameText, paramsFor } from "./hostile/requests.ts";
import { anyText } from "./hostile/values.ts";
import { declared, type Frame, newId, type TestClient, TestServer } from "./in-process.ts";

const CLOSES_BY_RULE = new Set([4000, 4002, 4004]);
const CODES = new Set<string>(REFUSAL_CODES);
const names = Object.keys(methods) as MethodName[];
let server: TestServer;
beforeAll(async () => {
  server = await TestServer.start();
});
afterAll(() => server.dispose());
afterEach(() => expect(server.defects).toEqual([]));

/** Runs with a seed that a failure names. */
async function withDice(work: (dice: Dice) => Promise<void> | void): Promise<void> {
  const dice = new Dice();
  try {
    await work(dice);
  } catch (error) {
    throw new Error(`HOLDFAST_TEST_SEED=${dice.seed}`, { cause: error });
  }
}

/** What good requests of this server are made of. */
const known = {
  refs: ["@victim", "#plaza", "@nobody", "#none"],
  messages: [] as string[],
  positions: ["06h02d5jg0000-a.0123456789-11"],
  cursors: [] as string[],
  sessions: [] as string[],
};
const words: Dictionary = {
  id: () => [newId()],
  name: () => ["victim", "fuzzed", `n${Math.floor(Math.random() * 1e9)}`],
  password: () => ["password of victim", "wrong password"],
  newPassword: () => ["wrong password"],
  to: () => known.refs,
  in: () => known.refs,
  account: () => known.refs,
  owner: () => known.refs,
  message: () => known.messages,
  session: () => known.sessions,
  token: () => [`hft_${"A".repeat(43)}`],
  invitation: () => [`i_${"A".repeat(43)}`],
  cursor: () => known.cursors,
  at: () => known.cursors,
  before: () => [...known.positions, "12"],
  after: () => [...known.positions, "a"],
  upTo: () => known.positions,
  text: () => ["hello", 'hello "two words" wor*', "world"],
  match: () => ["*", "a*", "?*?"],
  topic: () => ["a topic"],
  displayName: () => ["Somebody"],
};

async function joinVictim() {
  const name = `victim${Math.floor(Math.random() * 1e12)}`;
  const victim = await server.join(name);
  await victim.call("channel.join", { in: "#plaza", id: newId() });
  const { message, cursor } = await victim.call("message.post", {
    to: "#plaza",
    text: "hello world",
    id: newId(),
  });
  const { sessions } = await victim.call("session.list", {});
  known.messages.push(message.id, message.id.replace(/.$/, "B"));
  known.positions.push(message.position);
  known.cursors.push(cursor);
  known.sessions.push(sessions[0]?.id ?? "");
  known.refs.push(`@${name}`, victim.id, message.conversation, victim.id.replace(/.$/, "B"));
  return victim;
}

beforeAll(async () => {
  const first = await server.join("victim");
  await first.call("channel.create", { name: "plaza", id: newId() });
  for (let i = 0; i < 3; i++) await joinVictim();
});

function checkAnswer(method: string, frame: Frame, what: string): void {
  expect("result" in frame !== "error" in frame, what).toBe(true);
  if (frame.error !== undefined) {
    expect(CODES.has(frame.error.data.code), `${what}: ${frame.error.data.code}`).toBe(true);
    expect(frame.error.data.code, what).not.toBe("indefinite");
  } else if (!declared("methods", method).Check(frame.result)) {
    throw new Error(`not as declared: ${what} -> ${JSON.stringify(frame.result)}`);
  }
}

test("[R10] a cursor that reads well and says anything is asked about without harm", async () => {
  const runs = heavy(8_000, 200_000);
  let read = 0;
  await withDice((dice) => {
    for (let i = 0; i < runs; i++) {
      const cursor = parseCursor(anyText(dice, known.cursors));
      if (cursor === null) continue;
      read++;
      server.replica.cursors.arrivalOf(cursor);
      server.replica.cursors.covers(cursor);
    }
  });
  expect(read).toBeGreaterThan(0);
});

test(
  "[R10] every method, with params that are nearly right: one answer each",
  async () => {
    const runs = heavy(60, 6_000);
    await withDice(async (dice) => {
      for (const name of names) {
        let victim = await joinVictim();
        for (let i = 0; i < runs; i += 4) {
          if (victim.closedWith !== null) victim = await joinVictim();
          const params = paramsFor(dice, methods[name].params as never, words);
          const what = `${name} ${JSON.stringify(params)}`.slice(0, 2_000);
          const answers = await Promise.all([
            victim.request(name, params),
            server.post(name, params, victim.token),
            server.post(name, params, dice.chance(2) ? null : anyText(dice, [victim.token])),
          ]);
          for (const [at, frame] of answers.entries()) {
            if (frame.error?.data.code !== "closed") checkAnswer(name, frame, `${at} ${what}`);
          }
          if (name !== "setting.update" && name !== "admin.disable") {
            const given = params as never;
            await server.operator(name, given).catch((error) => {
              expect(CODES.has(error.code), `${what}: ${error}`).toBe(true);
              expect(error.code, what).not.toBe("indefinite");
            });
          }
          if (victim.closedWith !== null)
            expect(CLOSES_BY_RULE.has(victim.closedWith.code)).toBe(true);
        }
        expect(victim.strays).toEqual([]);
      }
    });
    count("fuzzed requests", runs * names.length);
  },
  heavy(60_000, 2_000_000),
);

test(
  "[R10] frames and bodies of any kind: an answer each, or a close by rule",
  async () => {
    const runs = heavy(3_000, 1_000_000);
    await withDice(async (dice) => {
      let client = server.connect();
      let answers = 0;
      const attend = (to: TestClient) => {
        to.onFrame = (frame) => {
          if (frame.method === undefined) answers++;
        };
      };
      attend(client);
      for (let i = 0; i < runs; i++) {
        const name = dice.pick(names);
        const text = frameText(dice, name, paramsFor(dice, methods[name].params as never, words));
        const http = server.gateway.call({
          body: text,
          token: null,
          address: "x",
          operator: false,
        });
        const before = answers;
        client.raw(dice.chance(50) ? null : text);
        const answer = await http;
        expect(() => JSON.parse(answer.body)).not.toThrow();
        expect(answer.status).toBeGreaterThanOrEqual(200);
        for (let turns = 0; answers === before && client.closedWith === null; turns++) {
          if (turns > 1_000) throw new Error(`no answer to ${text.slice(0, 500)}`);
          await Bun.sleep(1);
        }
        expect(answers - before).toBeLessThanOrEqual(1);
        if (client.closedWith === null) continue;
        expect(CLOSES_BY_RULE).toContain(client.closedWith.code);
        client = server.connect();
        attend(client);
      }
    });
    expect(server.gateway.figures().requestsInFlight).toBe(0);
    count("fuzzed frames", runs);
  },
  heavy(60_000, 2_000_000),
);
