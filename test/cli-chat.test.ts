/** The chat, as a process: at a pseudo-terminal and between pipes, against a real server. */
import { afterEach, expect, test } from "bun:test";
import type { Message } from "../src/protocol/schema.ts";
import { House, PASSWORD, Person } from "./cli-people.ts";
import { cleanUp } from "./server-process.ts";

afterEach(cleanUp);

async function twoPeople(): Promise<{ house: House; ann: Person; bob: Person }> {
  const house = await House.open();
  const ann = new Person();
  const bob = new Person();
  await Promise.all([ann.signUp(house.url, "ann"), bob.signUp(house.url, "bob")]);
  await ann.done(["channel", "create", "ops"]);
  await bob.done(["channel", "join", "ops"]);
  return { house, ann, bob };
}

async function historyOf(person: Person, conversation: string): Promise<string[]> {
  const page = await person.json<{ messages: Message[] }>(["history", conversation]);
  return page.messages.map(({ author, text }) => `${author.name}: ${text}`);
}

test("first use: makes an account without showing the password, chats, EXIT leaves", async () => {
  const house = await House.open();
  const bob = new Person();
  await bob.signUp(house.url, "bob");
  const ann = new Person();
  const seat = ann.sit(["chat", "--server", house.url]);
  await seat.sees("Sign in (s) or create an account (c)?");
  seat.enter("c");
  await seat.sees("Name: ");
  seat.enter("ann");
  await seat.sees("Password: ");
  seat.enter(PASSWORD);
  await seat.sees("Once more: ");
  seat.enter(PASSWORD);
  await seat.sees("you are ann");
  seat.enter("/create #ops");
  await seat.sees("#ops is yours");
  seat.enter("hello ops");
  await seat.sees("ann: hello ops");
  seat.enter("/msg bob hello bob");
  await seat.sees("@bob ann: hello bob");
  seat.type("half a li");
  await bob.done(["send", "@ann", "psst"]);
  await seat.sees("@bob bob: psst");
  seat.enter("ne");
  await seat.sees("ann: half a line");
  seat.enter("EXIT");
  expect(await seat.left()).toBe(0);
  expect(seat.raw).not.toContain(PASSWORD);
  expect(seat.raw.lastIndexOf("\x1b[?2004l")).toBeGreaterThan(seat.raw.lastIndexOf("\x1b[?2004h"));
  expect(await historyOf(bob, "@ann")).toEqual(["ann: hello bob", "bob: psst"]);
});

test("[R33] what waited is shown first, by conversation and in order, and once on each device", async () => {
  const { ann, bob, house } = await twoPeople();
  await bob.done(["send", "#ops", "--lines"], { input: "one\ntwo\n" });
  await bob.done(["send", "@ann", "direct"]);
  const first = ann.sit(["chat", "#ops"], 50);
  await first.sees("#ops: 2 waiting");
  await first.sees("bob: one");
  await first.sees("bob: two");
  await first.sees("@bob: 1 waiting");
  await first.sees("bob: direct");
  await bob.done(["send", "#ops", "live"]);
  await first.sees("bob: live");
  first.type("\x03");
  expect(await first.left()).toBe(0);

  await bob.done(["send", "#ops", "while away"]);
  const second = ann.sit(["chat"]);
  await second.sees("#ops: 1 waiting");
  await second.sees("bob: while away");
  second.enter("EXIT");
  await second.left();
  for (const text of ["one", "two", "direct", "live"])
    expect(second.text).not.toContain(`: ${text}`);

  // Another device of hers has no cursor; what she read elsewhere does not wait there.
  const phone = new Person();
  await phone.signIn(house.url, "ann");
  expect(await phone.done(["chat"], { input: "EXIT\n" })).not.toContain("waiting");
});

test("typed while the server is away: goes out by itself, once and in order, also after leaving", async () => {
  const { house, ann, bob } = await twoPeople();
  const seat = ann.sit(["chat", "#ops"]);
  await seat.sees("── #ops");
  await house.kill();
  await seat.sees("no server can be reached");
  seat.enter("first");
  seat.enter("second");
  await seat.sees("#ops (away, 2 waiting)> ");
  await house.back();
  await seat.sees("connected again");
  await seat.sees("ann: first");
  await seat.sees("ann: second");

  await house.kill();
  await seat.sees("no server can be reached");
  seat.enter("third");
  await seat.sees("waiting)> "); // with it, perhaps, what was stored and not yet acknowledged
  seat.enter("EXIT");
  expect(await seat.left()).toBe(0);
  expect(seat.text).toContain("message(s) wait on this device");
  await house.back();
  const later = ann.sit(["chat"]);
  await later.sees("ann: third");
  later.enter("EXIT");
  await later.left();
  expect(await historyOf(bob, "#ops")).toEqual(["ann: first", "ann: second", "ann: third"]);
});

test("what others write does not act on the terminal", async () => {
  const { ann, bob } = await twoPeople();
  const seat = ann.sit(["chat", "#ops"], 40);
  await seat.sees("── #ops");
  const before = seat.raw.length;
  await bob.done(["send", "#ops", "red\u009b31m bidi\u202eevil\u2066 \u061cend"]);
  await seat.sees("bob: red");
  await bob.done(["account", "display-name", "x\u202ey"]);
  seat.enter("/list");
  await seat.sees("bob ");
  const shown = Bun.stripANSI(seat.raw.slice(before));
  expect(shown).not.toMatch(/[\u0080-\u009f\u202a-\u202e\u2066-\u2069\u061c]/);
  seat.enter("EXIT");
  await seat.left();
});

test("the terminal's colours are used, unless NO_COLOR says otherwise", async () => {
  const { ann, bob } = await twoPeople();
  await bob.done(["send", "#ops", "hi"]);
  const seat = ann.sit(["chat", "#ops"]);
  await seat.sees("bob: hi");
  expect(seat.raw).toMatch(/\[38;5;\d+mbob/);
  seat.enter("EXIT");
  await seat.left();
  expect(await ann.done(["history", "#ops"])).not.toContain("\x1b");
});

test("between pipes: what waited, then what is piped in, in order; EXIT leaves the rest", async () => {
  const { ann, bob } = await twoPeople();
  await bob.done(["send", "@ann", "waiting here"]);
  const input = "/join #ops\none\n/msg bob two\n//three\nEXIT\nfour\n";
  const { code, out } = await ann.run(["chat"], { input });
  expect(code).toBe(0);
  expect(out).not.toContain("\x1b");
  expect(out.indexOf("bob: waiting here")).toBeLessThan(out.indexOf("ann: one"));
  expect(await historyOf(bob, "#ops")).toEqual(["ann: one", "ann: /three"]);
  expect(await historyOf(bob, "@ann")).toEqual(["bob: waiting here", "ann: two"]);
});

test("between pipes: the exit code says that something failed, and why is shown", async () => {
  const { ann, bob } = await twoPeople();
  const failed = await ann.run(["chat", "@bob"], { input: "fine\n/msg nobody hi\nalso fine" });
  expect(failed.code).toBe(1);
  expect(failed.out).toContain("not sent to @nobody: no_such_recipient");
  expect(await historyOf(bob, "@ann")).toEqual(["ann: fine", "ann: also fine"]);
  expect((await ann.run(["chat", "#none"], { input: "x\n" })).code).toBe(1);
  expect((await new Person().run(["chat"], { input: "x\n" })).code).not.toBe(0);
});

test("the account can be deleted from the chat, after its consequences were said", async () => {
  const { ann, bob } = await twoPeople();
  const seat = ann.sit(["chat"]);
  await seat.sees("you are ann");
  seat.enter("/account delete");
  await seat.sees("can't be taken back");
  await seat.sees("Password");
  seat.enter(PASSWORD);
  await seat.sees("[y/N]");
  seat.enter("n");
  await seat.sees("Type ann to delete it");
  seat.enter("ann");
  await seat.sees("the account ann is deleted");
  expect(await seat.left()).toBe(0);
  expect((await bob.run(["send", "@ann", "hi"])).code).toBe(1);
  expect((await ann.run(["conversations"])).code).toBe(1);
});
