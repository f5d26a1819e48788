/** Channels: who gets in, who may do what there, and who is told. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { newId, refusal, type TestClient, TestServer } from "./in-process.ts";

let server: TestServer;
beforeAll(async () => {
  server = await TestServer.start();
});
afterAll(() => server.dispose());
afterEach(() => expect(server.defects).toEqual([]));

type Joined = Awaited<ReturnType<TestServer["join"]>>;
let rooms = 0;

/** A channel of its own with its owner, members and one who is nobody there. */
async function room<N extends string>(isPrivate: boolean, ...names: N[]) {
  const label = `r${++rooms}`;
  const join = (name: string) => server.join(`${label}-${name}`);
  const owner = await join("owner");
  const outsider = await join("outsider");
  const created = { name: label, private: isPrivate, topic: "a topic", id: newId() };
  const { channel } = await owner.call("channel.create", created);
  const members = {} as Record<N, Joined>;
  for (const name of names) {
    members[name] = await join(name);
    if (isPrivate) await invite(owner, `#${label}`, members[name]);
    await enter(members[name], `#${label}`);
  }
  for (const client of [owner, outsider, ...Object.values<Joined>(members)]) {
    client.events.length = 0;
  }
  return { ref: `#${label}`, id: channel.id, owner, outsider, ...members };
}

const enter = (client: TestClient, ref: string) =>
  client.call("channel.join", { in: ref, id: newId() });
const leave = (client: TestClient, ref: string) =>
  client.call("channel.leave", { in: ref, id: newId() });
const invite = (client: TestClient, ref: string, { id }: { id: string }) =>
  client.call("channel.invite", { in: ref, account: id, id: newId() });
const remove = (client: TestClient, ref: string, { id }: { id: string }) =>
  client.call("channel.remove", { in: ref, account: id, id: newId() });
const ban = (client: TestClient, ref: string, { id }: { id: string }, lift = false) =>
  client.call("channel.ban", { in: ref, account: id, lift, id: newId() });
const update = (client: TestClient, ref: string, fields: object) =>
  client.call("channel.update", { in: ref, ...fields, id: newId() });
const say = (client: TestClient, to: string, text: string) =>
  client.call("message.post", { to, text, id: newId() });
const read = (client: TestClient, ref: string) => client.call("message.history", { in: ref });
const standings = async (client: TestClient, ref: string) => {
  const { members } = await client.call("channel.members", { in: ref });
  return Object.fromEntries(members.map(({ name, standing }) => [name.split("-")[1], standing]));
};
const listed = async (client: TestClient) => {
  const { conversations } = await client.call("conversation.list", {});
  return conversations.map(({ name }) => name);
};
/** Names of the events that a client got since it was last asked. */
const told = (client: TestClient): string[] =>
  client.events
    .splice(0)
    .map(({ method, params }) => `${method} ${params.standing ?? ""}`.trim())
    .filter((event) => !/^(presence|account)/.test(event));

describe("getting in", () => {
  test("[R43] a public channel: anybody finds, reads and joins it", async () => {
    const { ref, id, owner, outsider } = await room(false);
    await say(owner, ref, "welcome");
    const { channels } = await outsider.call("channel.list", { match: `${ref.slice(1)}*` });
    expect(channels).toEqual([
      { id, name: ref.slice(1), topic: "a topic", private: false, members: 1 },
    ]);
    expect((await read(outsider, ref)).messages).toHaveLength(1);
    expect(await refusal(say(outsider, ref, "x"))).toBe("forbidden");
    const joined = await enter(outsider, ref.toUpperCase());
    expect(joined.channel).toMatchObject({ members: 2, standing: "member" });
    expect(await standings(outsider, id)).toEqual({ owner: "owner", outsider: "member" });
    await say(outsider, id, "hello");
    expect(told(owner)).toEqual(["message.posted", "member.changed member", "message.posted"]);
    expect(told(outsider)).toEqual([
      "conversation.opened",
      "member.changed member",
      "message.posted",
    ]);
  });

  test("[R43] a private channel: seen and entered by those who were invited", async () => {
    const { ref, id, owner, outsider } = await room(true);
    await say(owner, ref, "among us");
    expect((await outsider.call("channel.list", { match: `${ref.slice(1)}*` })).channels).toEqual(
      [],
    );
    expect(await refusal(enter(outsider, ref))).toBe("not_found");
    await invite(owner, ref, outsider);
    expect(told(outsider)).toEqual(["member.changed invited"]);
    // Invited: it is known, not yet read.
    expect(await listed(outsider)).toContain(ref);
    const { conversations } = await outsider.call("conversation.list", {});
    expect(conversations[0]?.last).toBeUndefined();
    expect(await refusal(read(outsider, ref))).toBe("not_found");
    expect(await refusal(say(outsider, ref, "x"))).toBe("no_such_recipient");
    await say(owner, ref, "still among us");
    expect(told(outsider)).toEqual([]);
    await enter(outsider, ref);
    expect(told(outsider)).toEqual(["conversation.opened", "member.changed member"]);
    expect((await read(outsider, id)).messages).toHaveLength(2);
    expect((await outsider.call("channel.list", { match: ref })).channels).toHaveLength(1);
  });

  test("an invitation can be declined, and counts once", async () => {
    const { ref, owner, outsider } = await room(true);
    await invite(owner, ref, outsider);
    expect(await standings(owner, ref)).toEqual({ owner: "owner", outsider: "invited" });
    await leave(outsider, ref);
    expect(await standings(owner, ref)).toEqual({ owner: "owner" });
    expect(await refusal(enter(outsider, ref))).toBe("not_found");
    await invite(owner, ref, outsider);
    await enter(outsider, ref);
    await leave(outsider, ref);
    expect(await refusal(enter(outsider, ref))).toBe("not_found");
  });

  test("[R43] any member invites; outsiders and invited ones do not", async () => {
    const { ref, owner, member, outsider } = await room(true, "member");
    const friend = await server.join(`${ref.slice(1)}-friend`);
    expect(await refusal(invite(outsider, ref, friend))).toBe("not_found");
    await invite(member, ref, outsider);
    expect(await refusal(invite(outsider, ref, friend))).toBe("forbidden");
    expect(await refusal(invite(member, ref, owner))).toBe("invalid");
    expect(await refusal(invite(member, ref, { id: "@nobody-at-all" }))).toBe("not_found");
  });

  test("[R8] a channel's name is one channel's, and is free again after a rename", async () => {
    const { ref, id, owner, member } = await room(false, "member");
    const create = (client: TestClient, name: string) =>
      client.call("channel.create", { name, id: newId() });
    expect(await refusal(create(member, ref.slice(1).toUpperCase()))).toBe("name_taken");
    const races = await Promise.allSettled([
      create(owner, `${ref.slice(1)}-race`),
      create(member, `${ref.slice(1)}-race`),
      update(owner, ref, { name: `${ref.slice(1)}-race` }),
    ]);
    expect(races.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    await update(owner, id, { name: `${ref.slice(1)}-new` });
    expect(await refusal(read(member, ref))).toBe("not_found");
    expect((await create(member, ref.slice(1))).channel.id).not.toBe(id);
    const wrong = ["", "#x", "a b", "x".repeat(33), "-x"];
    for (const name of wrong) expect(await refusal(create(owner, name)), name).toBe("invalid");
  });

  test("lists are sorted and paged, and hide what is private", async () => {
    const client = await server.join("channel-lister");
    const hidden = await server.join("channel-hider");
    for (let i = 11; i >= 0; i--) {
      const name = `pg${String(i).padStart(2, "0")}`;
      const by = i === 5 ? hidden : client;
      await by.call("channel.create", { name, private: i === 5, id: newId() });
    }
    const names: string[] = [];
    let after: string | undefined;
    do {
      const page = await client.call("channel.list", {
        match: "#PG*",
        limit: 4,
        ...(after === undefined ? {} : { after }),
      });
      names.push(...page.channels.map(({ name }) => name));
      after = page.next;
    } while (after !== undefined);
    expect(names).toEqual(
      ["00", "01", "02", "03", "04", "06", "07", "08", "09", "10", "11"].map((n) => `pg${n}`),
    );
  });

  test("members come sorted and in pages", async () => {
    const { ref, owner } = await room(false, "d", "b", "a", "c", "e");
    const names: string[] = [];
    let after: string | undefined;
    do {
      const more = after === undefined ? {} : { after };
      const page = await owner.call("channel.members", { in: ref, limit: 2, ...more });
      names.push(...page.members.map(({ name }) => name.split("-")[1] ?? ""));
      after = page.next;
    } while (after !== undefined);
    expect(names).toEqual(["a", "b", "c", "d", "e", "owner"]);
  });
});

describe("what an owner may", () => {
  test("[R43] topic, name and privacy are the owner's, and members are told", async () => {
    const { ref, id, owner, member, outsider } = await room(false, "member");
    for (const fields of [{ topic: "mine" }, { name: "mine" }, { private: true }]) {
      expect(await refusal(update(member, ref, fields))).toBe("forbidden");
      expect(await refusal(update(outsider, ref, fields))).toBe("forbidden");
    }
    expect(await refusal(update(owner, ref, {}))).toBe("invalid");
    expect(await refusal(update(owner, ref, { topic: "two\nlines" }))).toBe("invalid");
    const { channel } = await update(owner, ref, { topic: "new topic", private: true });
    expect(channel).toMatchObject({ id, topic: "new topic", private: true, standing: "owner" });
    expect(told(member)).toEqual(["channel.changed"]);
    expect(told(outsider)).toEqual([]);
    expect(await refusal(read(outsider, ref))).toBe("not_found");
    expect(await refusal(read(outsider, id))).toBe("not_found");
    await update(owner, ref, { private: false });
    expect((await read(outsider, ref)).messages).toEqual([]);
  });

  test("[R9, R43] whoever is removed hears that and nothing more, and may come back", async () => {
    const { ref, owner, member, other } = await room(false, "member", "other");
    expect(await refusal(remove(other, ref, member))).toBe("forbidden");
    await remove(owner, ref, member);
    await say(owner, ref, "now without");
    expect(told(member)).toEqual(["member.changed none"]);
    expect(told(other)).toEqual(["member.changed none", "message.posted"]);
    expect(await refusal(say(member, ref, "x"))).toBe("forbidden");
    expect(await refusal(remove(owner, ref, member))).toBe("not_found");
    expect(await listed(member)).not.toContain(ref);
    await enter(member, ref);
    expect((await read(member, ref)).messages).toHaveLength(1);
  });

  test("[R9] whoever is removed from a private channel needs a new invitation", async () => {
    const { ref, id, owner, member } = await room(true, "member");
    await remove(owner, ref, member);
    await say(owner, ref, "a quorum of marmots");
    expect(told(member)).toEqual(["member.changed none"]);
    for (const place of [ref, id]) {
      expect(await refusal(read(member, place))).toBe("not_found");
      expect(await refusal(enter(member, place))).toBe("not_found");
      expect(await refusal(say(member, place, "x"))).toBe("no_such_recipient");
    }
    expect((await member.call("message.search", { text: "marmots" })).messages).toEqual([]);
    await invite(owner, ref, member);
    await enter(member, ref);
    expect((await read(member, ref)).messages).toHaveLength(1);
  });

  test("[R9, R26, R43] a ban keeps out until it is lifted", async () => {
    const { ref, owner, member, outsider } = await room(false, "member");
    expect(await refusal(ban(member, ref, owner))).toBe("forbidden");
    await say(member, ref, "before the quarrel");
    await ban(owner, ref, member);
    await say(owner, ref, "after the quarrel");
    expect(told(member)).toEqual(["message.posted", "member.changed banned"]);
    expect(await refusal(enter(member, ref))).toBe("not_found");
    expect(await refusal(read(member, ref))).toBe("not_found");
    expect(await refusal(say(member, ref, "x"))).toBe("no_such_recipient");
    expect((await member.call("message.search", { text: "quarrel" })).messages).toEqual([]);
    expect((await read(owner, ref)).messages).toHaveLength(2); // what was said before stays
    expect(await standings(owner, ref)).toEqual({ owner: "owner", member: "banned" });
    expect(await standings(outsider, ref)).toEqual({ owner: "owner" });
    expect(await refusal(ban(owner, ref, outsider, true))).toBe("not_found");
    await ban(owner, ref, member, true);
    await enter(member, ref);
    expect((await say(member, ref, "back")).message.text).toBe("back");
  });

  test("somebody can be banned before they ever came", async () => {
    const { ref, owner, outsider } = await room(false);
    await ban(owner, ref, outsider);
    expect(await refusal(enter(outsider, ref))).toBe("not_found");
  });

  test("[R25, R43] the owner hands over, and only then leaves", async () => {
    const { ref, owner, member, outsider } = await room(false, "member");
    expect(await refusal(leave(owner, ref))).toBe("forbidden");
    expect(await refusal(ban(owner, ref, owner))).toBe("forbidden");
    expect(await refusal(remove(owner, ref, owner))).toBe("forbidden");
    expect(await refusal(update(owner, ref, { owner: outsider.id }))).toBe("forbidden");
    expect(await refusal(update(owner, ref, { owner: owner.id }))).toBe("invalid");
    expect(await refusal(update(owner, ref, { owner: member.id, topic: "x" }))).toBe("invalid");
    expect(await refusal(update(member, ref, { owner: member.id }))).toBe("forbidden");
    const { cursor } = await owner.call("server.ping", {});
    const id = newId();
    const handOver = { in: ref, owner: member.id, id };
    expect((await owner.call("channel.update", handOver)).channel.standing).toBe("member");
    expect((await owner.call("channel.update", handOver)).channel.standing).toBe("member");
    expect(await standings(owner, ref)).toEqual({ owner: "member", member: "owner" });
    // Both could read it before: it does not become readable.
    const changes = ["member.changed member", "member.changed owner"];
    for (const client of [owner, member]) {
      expect(told(client)).toEqual(changes);
      expect(told(await server.resume(client.token, cursor))).toEqual([...changes, "caught_up"]);
    }
    expect(await refusal(update(owner, ref, { topic: "x" }))).toBe("forbidden");
    await leave(owner, ref);
    await update(member, ref, { topic: "mine now" });
    expect(told(owner).at(-1)).toBe("member.changed none");
  });

  test("whoever leaves hears nothing of what comes after", async () => {
    const { ref, owner, member } = await room(false, "member");
    const second = await server.resume(member.token);
    await leave(member, ref);
    expect(told(member)).toEqual(["member.changed none"]);
    await say(owner, ref, "after");
    await update(owner, ref, { topic: "after" });
    expect(told(member)).toEqual([]);
    expect(told(second)).toEqual(["caught_up", "member.changed none"]);
    expect(await refusal(leave(member, ref))).toBe("forbidden");
  });

  test("[R5] repeats have one effect, whatever has changed since", async () => {
    const { ref, id, owner, member } = await room(true, "member");
    const removal = { in: ref, account: member.id, id: newId() };
    await owner.call("channel.remove", removal);
    await invite(owner, ref, member);
    await enter(member, ref);
    expect((await owner.call("channel.remove", removal)).receipt.held).toEqual(["a"]);
    expect(await standings(owner, ref)).toEqual({ owner: "owner", member: "member" });
    const departure = { in: ref, id: newId() };
    await member.call("channel.leave", departure);
    expect((await member.call("channel.leave", departure)).receipt.held).toEqual(["a"]);
    const other = { ...departure, in: id };
    expect(await refusal(member.call("channel.join", other))).toBe("id_reused");
    const posted = { to: ref, text: "x", id: departure.id };
    expect(await refusal(member.call("message.post", posted))).toBe("id_reused");
  });
});

describe("messages in it", () => {
  test("[R9, R27, R42] owners delete what others wrote; others only their own, and nobody edits another's", async () => {
    const { ref, owner, member, other, outsider } = await room(false, "member", "other");
    const { message } = await say(member, ref, "offensive");
    const drop = (client: TestClient) =>
      client.call("message.delete", { message: message.id, id: newId() });
    const edit = (client: TestClient, text = "changed") =>
      client.call("message.edit", { message: message.id, text, id: newId() });
    expect(await refusal(drop(other))).toBe("forbidden");
    expect(await refusal(drop(outsider))).toBe("forbidden");
    expect(await refusal(edit(owner))).toBe("forbidden");
    expect((await edit(member)).message).toMatchObject({ text: "changed", edited: true });
    told(other);
    expect((await drop(owner)).message).toMatchObject({ text: "", deleted: true });
    expect(told(other)).toEqual(["message.changed"]);
    expect(await refusal(edit(member))).toBe("not_found");
    expect((await read(member, ref)).messages[0]).toMatchObject({ text: "", deleted: true });
    expect((await member.call("message.search", { text: "offensive" })).messages).toEqual([]);
  });

  test("[R9, R42] who is out deletes their own words there, and nothing else", async () => {
    const { ref, owner, member } = await room(true, "member");
    const own = (await say(member, ref, "regretted")).message.id;
    const others = (await say(owner, ref, "not theirs")).message.id;
    await remove(owner, ref, member);
    const drop = (message: string) => member.call("message.delete", { message, id: newId() });
    expect(await refusal(drop(others))).toBe("not_found");
    expect((await drop(own)).message).toMatchObject({ text: "", deleted: true });
    expect((await read(owner, ref)).messages.map(({ text }) => text)).toEqual(["", "not theirs"]);
    const change = { message: own, text: "changed", id: newId() };
    expect(await refusal(member.call("message.edit", change))).toBe("not_found");
  });

  test("[R42] an administrator deletes in channels that they may read, and in no private one", async () => {
    const admin = await server.join(`admin-${++rooms}`);
    await server.operator("admin.grant", { account: admin.id, id: newId() });
    for (const isPrivate of [false, true]) {
      const { ref, owner } = await room(isPrivate);
      const { message } = await say(owner, ref, "spam");
      const drop = admin.call("message.delete", { message: message.id, id: newId() });
      if (isPrivate) expect(await refusal(drop)).toBe("not_found");
      else expect((await drop).message.deleted).toBe(true);
    }
  });

  test("[R41] requests of one connection see each other: create, join, post in one breath", async () => {
    const client = await server.join(`breath-${++rooms}`);
    const name = `breath-${rooms}`;
    const [created, posted] = await Promise.all([
      client.call("channel.create", { name, id: newId() }),
      // Its id is not known yet, and its name only once it is stored: it may come too early, never half.
      say(client, `#${name}`, "first!").catch((error) => error.code as string),
    ]);
    expect(created.channel.standing).toBe("owner");
    expect(["no_such_recipient", "first!"]).toContain(
      typeof posted === "string" ? posted : posted.message.text,
    );
    const { id } = created.channel;
    const friend = await server.join(`breath-friend-${rooms}`);
    await enter(friend, id);
    const [, late] = await Promise.allSettled([leave(friend, id), say(friend, id, "too late")]);
    expect(late.status).toBe("rejected");
    const [, out] = await Promise.allSettled([
      ban(client, id, friend),
      enter(friend, id).then(() => say(friend, id, "through the gap")),
    ]);
    expect(out.status).toBe("rejected");
  });
});
