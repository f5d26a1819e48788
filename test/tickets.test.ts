/** What a ticket is good for, and when no longer: a session on every server, for a page whose cookie is on one. */
import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { TICKET_CHAIN_MS, TICKET_MS } from "../src/core/limits.ts";
import { JumpClock, newId, refusal, type TestClient, TestServer } from "./in-process.ts";

const clock = new JumpClock();
let server: TestServer;
beforeAll(async () => {
  server = await TestServer.start({ clock });
});
afterAll(() => server.dispose());
afterEach(() => expect(server.defects).toEqual([]));

const password = (name: string) => `password of ${name}`;

async function ticketOf(client: TestClient): Promise<string> {
  return (await client.call("session.ticket", {})).ticket;
}

test("[R73] a ticket resumes the session that it was got with, and no other", async () => {
  const ann = await server.join("ticket-ann");
  const { sessions } = await ann.call("session.list", {});
  const { ticket, forMs } = await ann.call("session.ticket", {});
  expect(forMs).toBe(TICKET_MS);
  const resumed = await server.connect().call("session.resume", { token: ticket });
  expect(resumed.account.name).toBe("ticket-ann");
  expect(resumed.session).toBe(sessions[0]?.id as string);
  const bob = await server.join("ticket-bob");
  expect(await refusal(bob.call("session.resume", { token: ticket }))).toBe("invalid");
});

test("[R73] ending the session ends its tickets at once; so do a new password and a disabled account", async () => {
  const ann = await server.join("ticket-end");
  const other = server.connect();
  const signIn = { name: "ticket-end", password: password("ticket-end"), id: newId() };
  const { session } = await other.call("session.open", signIn);
  const ticket = await ticketOf(other);
  await ann.call("session.revoke", { session, id: newId() });
  const resume = (token: string) => server.connect().call("session.resume", { token });
  expect(await refusal(resume(ticket))).toBe("session_ended");
  const third = server.connect();
  await third.call("session.open", { ...signIn, id: newId() });
  const before = await ticketOf(third);
  const change = { password: password("ticket-end"), newPassword: "another one", id: newId() };
  await ann.call("account.password", change);
  expect(await refusal(resume(before))).toBe("session_ended");
  expect((await resume(await ticketOf(ann))).account.name).toBe("ticket-end");
});

test("[R73] what was changed in a ticket makes it none", async () => {
  const ann = await server.join("ticket-forged");
  const eve = await server.join("ticket-eve");
  const ticket = await ticketOf(ann);
  const own = await ticketOf(eve);
  const [, until = "", last = ""] = ticket.split("_");
  const later = (Number.parseInt(until, 36) + 1).toString(36);
  const session = (text: string) => /s_[A-Za-z0-9_-]{43}/.exec(text)?.[0] as string;
  const forged = [
    ticket.replace(until, later),
    ticket.replace(`_${last}_`, `_${later}_`),
    own.replace(session(own), session(ticket)),
    `${ticket.slice(0, -1)}${ticket.endsWith("A") ? "B" : "A"}`,
    `hfk_${"z".repeat(10)}_${"z".repeat(10)}_${session(ticket)}_${"A".repeat(43)}`,
    "hfk_x",
  ];
  for (const token of forged) {
    expect(await refusal(server.connect().call("session.resume", { token }))).toBe("unauthorized");
  }
});

test("[R73] it is good for an hour; further ones may be had with it, none past a day", async () => {
  let client: TestClient = await server.join("ticket-chain");
  let ticket = await ticketOf(client);
  const hop = async () => {
    client = server.connect();
    await client.call("session.resume", { token: ticket });
    const got = await client.call("session.ticket", {});
    ticket = got.ticket;
    return got.forMs;
  };
  clock.jump(TICKET_MS - 60_000);
  expect(await hop()).toBe(TICKET_MS);
  const hours = TICKET_CHAIN_MS / TICKET_MS;
  for (let i = 1; i < hours; i++) {
    clock.jump(TICKET_MS - 60_000);
    await hop();
  }
  clock.jump(20 * 60_000);
  const forMs = await hop();
  expect(forMs).toBeLessThan(TICKET_MS);
  clock.jump(forMs);
  expect(await refusal(server.connect().call("session.resume", { token: ticket }))).toBe(
    "unauthorized",
  );
  expect(await refusal(client.call("session.ticket", {}))).toBe("forbidden");
});

test("[R73] a session that this server has not heard of yet is said to be that, and not to be over", async () => {
  const elsewhere = await TestServer.start({ clock });
  try {
    const ann = await elsewhere.join("ticket-far");
    const ticket = await ticketOf(ann);
    expect(await refusal(server.connect().call("session.resume", { token: ticket }))).toBe(
      "unavailable",
    );
  } finally {
    await elsewhere.dispose();
  }
});
