/**
 * Looks at one server at a time, from a host that no fault cuts off: by plain HTTP, nothing of the SDK. Its
 * account is the administrator's.
 */
import { obey } from "../test/hosts/orders.ts";
import type { Question } from "./clients.ts";
import type { Shown } from "./history.ts";

const NAME = "observer";
const PASSWORD = "correct horse battery";
const PAGE_MAX = 200;
const PATIENCE_MS = 3_000;

let token = "";

type Answer = { readonly result?: Record<string, unknown>; readonly error?: { message: string } };

async function ask(url: string, method: string, params: object): Promise<Answer> {
  const session = token === "" ? {} : { authorization: `Bearer ${token}` };
  const headers = { "content-type": "application/json", ...session };
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method, params });
  const signal = AbortSignal.timeout(PATIENCE_MS);
  const answer = await fetch(`${url}/v1/rpc`, { method: "POST", headers, body, signal });
  return (await answer.json()) as Answer;
}

/** Throws what the server said. */
async function done(url: string, method: string, params: object) {
  const { result, error } = await ask(url, method, params);
  if (result === undefined) throw new Error(`${method}: ${error?.message}`);
  return result;
}

async function history(url: string, channel: string): Promise<Shown[]> {
  const all: Shown[] = [];
  let before: unknown;
  do {
    const older = before === undefined ? {} : { before };
    const page = await done(url, "message.history", { in: channel, limit: PAGE_MAX, ...older });
    const messages = page.messages as Shown[];
    all.unshift(
      ...messages.map(({ id, conversation, text, position, deleted }) => ({
        id,
        conversation,
        text,
        position,
        ...(deleted ? { deleted } : {}),
      })),
    );
    before = page.next;
  } while (before !== undefined);
  return all;
}

async function answer(question: Question): Promise<unknown> {
  const { url } = question;
  switch (question.do) {
    case "enter": {
      const { invitation } = question;
      const person = { name: NAME, password: PASSWORD, invitation, id: Bun.randomUUIDv7() };
      const made = await done(url, "account.create", person);
      token = made.token as string;
      return null;
    }
    case "status":
      return await done(url, "server.status", {}).catch(() => null);
    case "read":
      return await history(url, question.channel).catch(() => null);
    case "channels": {
      const listed = await done(url, "channel.list", { match: question.match }).catch(() => null);
      return listed === null
        ? null
        : (listed.channels as { id: string; name: string }[]).map(({ id, name }) => ({ id, name }));
    }
    default:
      return question satisfies never;
  }
}

await obey(answer);
process.exit(0);
