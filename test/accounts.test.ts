/** Accounts and sessions, as their owners, others and administrators see them. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { newId, refusal, type TestClient, TestServer, until } from "./in-process.ts";

const DELETED = "(account deleted)";
/** A token of a session that ended; its hash leaves the disk, so that it may not be known any more. */
const OVER = /^(session_ended|unauthorized)$/;
let server: TestServer;
beforeAll(async () => {
  server = await TestServer.start();
});
afterAll(() => server.dispose());
afterEach(() => expect(server.defects).toEqual([]));

type Joined = Awaited<ReturnType<TestServer["join"]>>;

const passwordOf = (name: string) => `password of ${name}`;
const create = (client: TestClient, name: string, id = newId(), password = passwordOf(name)) =>
  client.call("account.create", { name, password, id });
const open = (client: TestClient, name: string, password = passwordOf(name), id = newId()) =>
  client.call("session.open", { name, password, id });
const say = (client: TestClient, to: string, text: string) =>
  client.call("message.post", { to, text, id: newId() });
const read = async (client: TestClient, place: string) =>
  (await client.call("message.history", { in: place })).messages;
/** Forgets the accounts of earlier tests: their names begin otherwise. */
const namesOf = async (client: TestClient, match: string, limit = 50, after?: string) => {
  const more = after === undefined ? {} : { after };
  const { accounts, next } = await client.call("account.list", { match, limit, ...more });
  return { names: accounts.map((account) => account.name), next };
};

describe("names", () => {
  test("[R8] are folded, and one name is one account", async () => {
    const made = await create(server.connect(), "Alice.X");
    expect(made.account.name).toBe("alice.x");
    expect(await refusal(create(server.connect(), "ALICE.x"))).toBe("name_taken");
    expect((await open(server.connect(), "aLiCe.X", passwordOf("Alice.X"))).account.id).toBe(
      made.account.id,
    );
    const reader = await server.join("name-reader");
    const resolved = await reader.call("conversation.resolve", { in: "@ALICE.X" });
    expect(resolved.id).toBe(made.account.id);
  });

  test("letters that only look like a name's after folding are not it", async () => {
    const kate = await server.join("kate");
    expect(await refusal(say(kate, "@\u212Aate", "x"))).toBe("no_such_recipient");
    expect((await namesOf(kate, "\u212Aate")).names).toEqual([]);
  });

  test("[R24] have bounds, and what is no name is invalid", async () => {
    const longest = "a".repeat(32);
    expect((await create(server.connect(), longest)).account.name).toBe(longest);
    const wrong = ["", "a".repeat(33), "-a", ".a", "_a", "a b", "a/b", "ä", "bob~3f", "a\n", "@a"];
    for (const name of wrong) {
      expect(await refusal(create(server.connect(), name)), JSON.stringify(name)).toBe("invalid");
    }
  });

  test("passwords have bounds", async () => {
    const make = (name: string, password: string) =>
      create(server.connect(), name, newId(), password);
    expect(await refusal(make("short-pw", "1234567"))).toBe("invalid");
    expect(await refusal(make("long-pw", "x".repeat(257)))).toBe("invalid");
    expect((await make("long-pw", "x".repeat(256))).account.name).toBe("long-pw");
  });

  test("[R8] of several who create one name at once, one wins and the others never exist", async () => {
    const tries = await Promise.all(
      Array.from({ length: 8 }, () =>
        create(server.connect(), "race").then(
          () => "made",
          (error) => error.code as string,
        ),
      ),
    );
    expect(tries.sort()).toEqual(["made", ...Array(7).fill("name_taken")]);
    const reader = await server.join("race-reader");
    expect((await namesOf(reader, "race*")).names).toEqual(["race", "race-reader"]);
  });

  test("[R8] a rename frees the old name, and messages show the new one", async () => {
    const old = await server.join("ren-old");
    const friend = await server.join("ren-friend");
    await say(old, "@ren-friend", "hello");
    expect(await refusal(old.call("account.rename", { name: "ren-friend", id: newId() }))).toBe(
      "name_taken",
    );
    const id = newId();
    const renamed = await old.call("account.rename", { name: "Ren-New", id });
    expect(renamed.account.name).toBe("ren-new");
    expect((await old.call("account.rename", { name: "ren-new", id })).account.name).toBe(
      "ren-new",
    );
    await until(() => friend.eventsNamed("account.changed").length > 0);
    const told = friend.eventsNamed("account.changed").map((event) => event.account);
    expect(told).toContainEqual({ id: old.id, name: "ren-new" });
    const [message] = await read(friend, "@ren-new");
    expect(message?.author).toEqual({ id: old.id, name: "ren-new" });
    expect(await refusal(read(friend, "@ren-old"))).toBe("not_found");
    expect(await refusal(open(server.connect(), "ren-old"))).toBe("bad_credentials");
    const next = await server.join("ren-old");
    expect(next.id).not.toBe(old.id);
    expect(await read(next, "@ren-friend")).toEqual([]);
  });

  test("[R8] a rename and a creation that want one name at once: one gets it", async () => {
    const renamer = await server.join("swap-a");
    const outcomes = await Promise.allSettled([
      renamer.call("account.rename", { name: "swap-wanted", id: newId() }),
      create(server.connect(), "swap-wanted"),
    ]);
    expect(outcomes.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
  });

  test("the display name is free text of one line", async () => {
    const shown = await server.join("display");
    const update = (displayName: string) =>
      shown.call("account.update", { displayName, id: newId() });
    expect((await update("  Ænne 🌍 ")).account.displayName).toBe("Ænne 🌍");
    expect(await refusal(update("two\nlines"))).toBe("invalid");
    expect(await refusal(update("\ud83c"))).toBe("invalid");
    expect(await refusal(update("x".repeat(65)))).toBe("invalid");
    expect((await update("")).account.displayName).toBe("");
  });

  test("lists go by wildcard, sorted and in pages", async () => {
    const reader = await server.join("list-reader");
    const wanted = Array.from({ length: 25 }, (_, i) => `page-${String(i).padStart(2, "0")}`);
    await Promise.all(wanted.toReversed().map((name) => server.join(name)));
    const seen: string[] = [];
    let after: string | undefined;
    do {
      const page = await namesOf(reader, "PAGE-*", 10, after);
      expect(page.names.length).toBeLessThanOrEqual(10);
      seen.push(...page.names);
      after = page.next;
    } while (after !== undefined);
    expect(seen).toEqual(wanted);
    expect((await namesOf(reader, "page-?5")).names).toEqual(["page-05", "page-15"]);
    expect((await namesOf(reader, "page-[0-9]5")).names).toEqual([]);
    expect((await namesOf(reader, "page-?")).names).toEqual([]);
  });
});

describe("repeats of signing up and in", () => {
  test("[R5] a repeated account.create checks the password and gives a fresh token", async () => {
    const id = newId();
    const first = await create(server.connect(), "again", id);
    const second = await create(server.connect(), "again", id);
    expect(second.account).toEqual(first.account);
    expect(second.session).toBe(first.session);
    expect(second.token).not.toBe(first.token);
    expect(await refusal(create(server.connect(), "again", id, "wrong password"))).toBe(
      "bad_credentials",
    );
    expect(await refusal(create(server.connect(), "again-2", id, passwordOf("again")))).toBe(
      "id_reused",
    );
    for (const { token } of [first, second]) {
      const { sessions } = await (await server.resume(token)).call("session.list", {});
      expect(sessions).toHaveLength(1);
    }
  });

  test("[R5, R41] repeats in flight join; one with another password is refused", async () => {
    const id = newId();
    const outcomes = await Promise.allSettled([
      create(server.connect(), "joined", id),
      create(server.connect(), "joined", id),
      create(server.connect(), "joined", id, "another password"),
    ]);
    const [a, b, c] = outcomes;
    const tokens = [a, b, c].flatMap((one) =>
      one?.status === "fulfilled" ? [one.value.token] : [],
    );
    const refused = [a, b, c].flatMap((one) =>
      one?.status === "rejected" ? [one.reason.code] : [],
    );
    expect(new Set(tokens).size).toBe(tokens.length);
    expect(refused.every((code) => code === "bad_credentials")).toBe(true);
    expect(tokens.length + refused.length).toBe(3);
    // Whichever came first decides the password; the other one cannot be good as well.
    expect([1, 2]).toContain(tokens.length);
    expect((await namesOf(await server.join("joined-reader"), "joined")).names).toEqual(["joined"]);
  });

  test("[R5] a repeated session.open is the same session with a fresh token", async () => {
    const { id: account } = await server.join("opener");
    const id = newId();
    const [first, second] = await Promise.all([
      open(server.connect(), "opener", undefined, id),
      open(server.connect(), "opener", undefined, id),
    ]);
    expect(first.account.id).toBe(account);
    expect(second.session).toBe(first.session);
    expect(second.token).not.toBe(first.token);
    const wrong = open(server.connect(), "opener", "wrong password", id);
    expect(await refusal(wrong)).toBe("bad_credentials");
    const client = await server.resume(second.token);
    expect((await client.call("session.list", {})).sessions).toHaveLength(2);
  });

  test("[R9] a repeat does not open what was ended", async () => {
    const id = newId();
    const made = await create(server.connect(), "reopened", id);
    const client = await server.resume(made.token);
    await client.call("session.close", { id: newId() });
    expect(await refusal(create(server.connect(), "reopened", id))).toBe("session_ended");
    const opened = newId();
    const first = await open(server.connect(), "reopened", undefined, opened);
    await (await server.resume(first.token)).call("session.close", { id: newId() });
    const again = open(server.connect(), "reopened", undefined, opened);
    expect(await refusal(again)).toBe("session_ended");
    expect((await open(server.connect(), "reopened")).account.name).toBe("reopened");
  });

  test("[R47] a wrong password and a name that nobody has look alike", async () => {
    await server.join("known");
    const refused = async (name: string) => {
      const params = { name, password: "wrong password", id: newId() };
      return (await server.connect().request("session.open", params)).error;
    };
    expect(await refused("known")).toEqual((await refused("unknown-name")) as never);
    expect((await refused("known"))?.data.code).toBe("bad_credentials");
  });

  test("one account a connection: nobody becomes somebody else on it", async () => {
    const first = await server.join("first-of-two");
    await server.join("second-of-two");
    const other = await server.join("bystander");
    expect(await refusal(open(first, "second-of-two"))).toBe("invalid");
    expect(await refusal(create(first, "third-of-two"))).toBe("invalid");
    expect((await namesOf(first, "third-of-two")).names).toEqual([]);
    const both = server.connect();
    const outcomes = await Promise.allSettled([
      open(both, "first-of-two"),
      open(both, "second-of-two"),
    ]);
    expect(outcomes.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    const won = outcomes[0]?.status === "fulfilled" ? "first-of-two" : "second-of-two";
    const lost = won === "first-of-two" ? "second-of-two" : "first-of-two";
    await say(other, `@${lost}`, "not for that connection");
    await say(other, `@${won}`, "for that connection");
    await until(() => both.eventsNamed("message.posted").length > 0);
    const texts = both.eventsNamed("message.posted").map(({ message }) => (message as Joined).id);
    expect(texts).toHaveLength(1);
  });
});

describe("sessions", () => {
  test("[R9, R46] are listed with their labels, and end one by one", async () => {
    const first = await server.join("sess");
    const second = server.connect();
    const opened = await second.call("session.open", {
      name: "sess",
      password: passwordOf("sess"),
      label: "telephone",
      id: newId(),
    });
    const { sessions } = await first.call("session.list", {});
    expect(sessions.map(({ label, current }) => [label, current])).toEqual([
      ["", true],
      ["telephone", false],
    ]);
    await first.call("session.revoke", { session: opened.session, id: newId() });
    await until(() => second.closedWith !== null);
    expect(second.closedWith?.code).toBe(4002);
    expect(second.events.at(-1)).toMatchObject({
      method: "session.ended",
      params: { session: opened.session },
    });
    expect((await first.call("session.list", {})).sessions).toHaveLength(1);
    expect(await refusal(server.resume(opened.token))).toMatch(OVER);
    const posted = await server.post("session.list", {}, opened.token);
    expect(posted.error?.data.code).toMatch(OVER);
    expect(posted.status).toBe(401);
  });

  test("labels are one line of text, also when signing up", async () => {
    const params = { password: "long enough", label: "a\u001b[2Jb" };
    const signUp = server.connect().call("account.create", { name: "lab", ...params, id: newId() });
    expect(await refusal(signUp)).toBe("invalid");
    await server.join("lab");
    const signIn = server.connect().call("session.open", { name: "lab", ...params, id: newId() });
    expect(await refusal(signIn)).not.toBe("ok");
  });

  test("whoever ends their own session is answered before the connection closes", async () => {
    const client = await server.join("leaver");
    const { receipt } = await client.call("session.close", { id: newId() });
    expect(receipt.held).toEqual(["a"]);
    await until(() => client.closedWith !== null);
    expect(client.closedWith?.code).toBe(4002);
    expect(client.eventsNamed("session.ended")).toHaveLength(1);
    expect(await refusal(server.resume(client.token))).toMatch(OVER);
  });

  test("[R9, R41] nothing is done for a session behind the request that ended it", async () => {
    const client = await server.join("pipeliner");
    const friend = await server.join("pipe-friend");
    const outcomes = await Promise.allSettled([
      client.call("session.close", { id: newId() }),
      say(client, "@pipe-friend", "after the end"),
      client.call("channel.create", { name: "after-the-end", id: newId() }),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "rejected"]);
    await say(friend, "@pipe-friend", "whatever was under way is stored now");
    expect(await read(friend, "@pipeliner")).toEqual([]);
    expect((await friend.call("channel.list", { match: "after*" })).channels).toEqual([]);
  });

  test("[R9, R46] a new password ends the other sessions and keeps this one", async () => {
    const client = await server.join("pw");
    const other = server.connect();
    const { token } = await open(other, "pw");
    const change = (password: string, newPassword: string, id = newId()) =>
      client.call("account.password", { password, newPassword, id });
    expect(await refusal(change("wrong password", "the new password"))).toBe("bad_credentials");
    const id = newId();
    await change(passwordOf("pw"), "the new password", id);
    await change(passwordOf("pw"), "the new password", id); // a repeat: it has happened
    expect(await refusal(change(passwordOf("pw"), "yet another one", id))).not.toBe("ok");
    await until(() => other.closedWith !== null);
    expect(other.closedWith?.code).toBe(4002);
    expect(client.closedWith).toBeNull();
    expect(await refusal(server.resume(token))).toBe("session_ended");
    expect((await server.resume(client.token)).closedWith).toBeNull();
    expect(await refusal(open(server.connect(), "pw"))).toBe("bad_credentials");
    expect((await open(server.connect(), "pw", "the new password")).account.id).toBe(client.id);
  });

  test("[R10, R10.13] an account has so many sessions: the oldest make room", async () => {
    const first = await server.join("many");
    for (let i = 0; i < 64; i++) await open(server.connect(), "many");
    await until(() => first.closedWith !== null);
    const client = server.connect();
    await open(client, "many");
    expect((await client.call("session.list", {})).sessions).toHaveLength(64);
  });
});

describe("deleting an account", () => {
  test("[R9, R24, R46] asks for the password, ends sessions, frees the name, keeps what others wrote", async () => {
    const gone = await server.join("gone");
    const second = await server.resume(gone.token);
    const friend = await server.join("gone-friend");
    await say(gone, "@gone-friend", "from the deleted");
    await say(friend, "@gone", "to the deleted");
    const remove = (password: string) => gone.call("account.delete", { password, id: newId() });
    expect(await refusal(remove("wrong password"))).toBe("bad_credentials");
    expect((await remove(passwordOf("gone"))).receipt.held).toEqual(["a"]);
    await until(() => gone.closedWith !== null && second.closedWith !== null);
    for (const client of [gone, second]) {
      expect(client.closedWith?.code).toBe(4002);
      expect(client.events.at(-1)?.method).toBe("session.ended");
    }
    expect(await refusal(server.resume(gone.token))).toMatch(OVER);
    expect(await refusal(open(server.connect(), "gone"))).toBe("bad_credentials");
    const kept = await read(friend, gone.id);
    expect(kept.map(({ text, author }) => [text, author.name])).toEqual([
      ["from the deleted", DELETED],
      ["to the deleted", "gone-friend"],
    ]);
    expect(await refusal(say(friend, "@gone", "x"))).toBe("no_such_recipient");
    expect(await refusal(say(friend, gone.id, "x"))).toBe("no_such_recipient");
    expect((await namesOf(friend, "gone*")).names).toEqual(["gone-friend"]);

    const fresh = await server.join("gone");
    expect(fresh.id).not.toBe(gone.id);
    expect((await fresh.call("conversation.list", {})).conversations).toEqual([]);
    expect(await read(fresh, "@gone-friend")).toEqual([]);
    expect((await fresh.call("message.search", { text: "deleted" })).messages).toEqual([]);
  });

  test("[R9, R28] with erase its texts are gone, in flight ones too, and nobody finds them", async () => {
    const eraser = await server.join("eraser");
    const witness = await server.join("witness");
    await say(eraser, "@witness", "secretword before");
    const password = passwordOf("eraser");
    const second = await server.resume(eraser.token);
    const post = (n: number) => say(second, "@witness", `secretword ${n}`).catch(() => null);
    const before = Array.from({ length: 40 }, (_, n) => post(n));
    const deleted = eraser.call("account.delete", { password, erase: true, id: newId() });
    const behind = Array.from({ length: 40 }, (_, n) => post(n));
    await Promise.all([deleted, ...before, ...behind]);
    const seen = await read(witness, eraser.id);
    expect(seen.length).toBeGreaterThan(1);
    for (const message of seen) expect(message).toMatchObject({ text: "", deleted: true });
    expect((await witness.call("message.search", { text: "secretword" })).messages).toEqual([]);
  });

  test("a channel goes on without a member who was deleted", async () => {
    const owner = await server.join("chan-owner");
    const member = await server.join("chan-member");
    await owner.call("channel.create", { name: "goes-on", id: newId() });
    await member.call("channel.join", { in: "#goes-on", id: newId() });
    await say(member, "#goes-on", "I was here");
    await member.call("account.delete", { password: passwordOf("chan-member"), id: newId() });
    const { members } = await owner.call("channel.members", { in: "#goes-on" });
    expect(members.map(({ name }) => name)).toEqual(["chan-owner"]);
    const { channels } = await owner.call("channel.list", { match: "goes-on" });
    expect(channels[0]?.members).toBe(1);
    expect((await read(owner, "#goes-on"))[0]?.author).toMatchObject({
      name: DELETED,
      deleted: true,
    });
  });
});
