/** Signing in and out, in one tab and in several; what belongs to an account and nobody else. */
import { afterEach, expect, test } from "bun:test";
import { newId, TestServer } from "../../../test/in-process.ts";
import type { Tab } from "./testing/browser.ts";
import { Chat, lines, open, PASSWORD, say, until } from "./testing/chat.ts";

const chats: Chat<TestServer>[] = [];

async function start(): Promise<Chat<TestServer>> {
  const chat = await Chat.start((options) => TestServer.start(options));
  chats.push(chat);
  return chat;
}

afterEach(async () => {
  for (const chat of chats.splice(0)) await chat.end();
});

const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => "done",
    (error: { code: string }) => error.code,
  );
const nameOf = (tab: Tab) => tab.app.session.account.value?.name;

test("the first minute: what the server is, an account, and a place that says what to do", async () => {
  const chat = await start();
  const tab = chat.browser().open("#/join/CODE");
  await until(() => tab.app.session.hello.value !== undefined);
  expect(tab.app.session.phase.value).toEqual({ is: "signed_out" });
  expect(tab.app.session.hello.value).toMatchObject({ signUp: "open", setup: true });
  expect(tab.app.place.current.value).toEqual({ is: "invite", code: "CODE" });
  expect(tab.title).toBe("Holdfast");
  expect(await codeOf(tab.app.session.signIn({ name: "ann", password: "wrong one" }))).toBe(
    "bad_credentials",
  );
  await tab.app.session.signUp({ name: "ann", password: PASSWORD, displayName: "Ann A." });
  expect(tab.app.session.phase.value).toMatchObject({ account: { displayName: "Ann A." } });
  expect(tab.app.place.current.value).toEqual({ is: "guide" });
  expect(tab.hash).toBe("#/guide");
  const [session] = await tab.app.session.sessions();
  expect(session).toMatchObject({ label: "Test browser", current: true });
});

test("a sign-up whose answers got lost is repeated until it is known, and makes one account", async () => {
  const chat = await start();
  const browser = chat.browser();
  const tab = browser.open();
  await until(() => tab.app.session.hello.value !== undefined);
  browser.wire.swallows.add("account.create");
  const done = tab.app.session.signUp({ name: "ann", password: PASSWORD });
  await until(() => browser.wire.swallows.size === 0);
  browser.clock.jump(20_000);
  await done;
  expect(nameOf(tab)).toBe("ann");
  expect(browser.wire.sent.filter((method) => method === "account.create").length).toBe(2);
  const list = await tab.app.people.find("@*");
  expect(list.people.map(({ name }) => name)).toEqual(["ann"]);
});

test("the token is in the cookie and nowhere else; a reload goes on with it", async () => {
  const chat = await start();
  const browser = chat.browser();
  const tab = browser.open();
  browser.cookieStatus = 503;
  await tab.app.session.signUp({ name: "ann", password: PASSWORD });
  await until(() => browser.cookieCalls.length >= 1);
  expect(browser.keptText).not.toContain("holdfast/session");
  browser.cookieStatus = 204;
  browser.clock.jump(1_000);
  await until(() => browser.keptText.includes('holdfast/session={"token":"cookie"'));
  expect(browser.cookieCalls).toEqual(["POST", "POST"]);
  expect(browser.wire.cookie).toStartWith("hft_");
  expect(browser.keptText).not.toContain("hft_");
  await tab.close();
  const again = browser.open();
  await until(() => again.app.conversations.loaded.value);
  expect(nameOf(again)).toBe("ann");
});

test("signing out ends the session everywhere in this browser, and forgets the cookie", async () => {
  const chat = await start();
  const browser = chat.browser();
  const one = browser.open();
  await one.app.session.signUp({ name: "ann", password: PASSWORD });
  await until(() => browser.keptText.includes('"token":"cookie"'));
  const two = browser.open();
  await until(() => two.app.conversations.loaded.value);
  await one.app.session.signOut();
  expect(one.app.session.phase.value).toEqual({ is: "signed_out" });
  expect(one.hash).toBe("#/");
  await until(() => two.app.session.phase.value.is === "signed_out");
  await until(() => browser.wire.cookie === undefined);
  expect(browser.keptText).not.toContain("holdfast/session");
  expect(browser.keptText).not.toContain("ann");
  // The other way round: who signs in here is signed in there.
  await two.app.session.signIn({ name: "ann", password: PASSWORD });
  await until(() => nameOf(one) === "ann" && one.app.conversations.loaded.value);
  expect(browser.keptText).toContain('"token":"cookie"');
  const list = await one.app.session.sessions();
  expect(list.length).toBe(1);
});

test("another account in one tab is the account of all tabs", async () => {
  const chat = await start();
  await chat.person("bob");
  const browser = chat.browser();
  const one = browser.open();
  await one.app.session.signUp({ name: "ann", password: PASSWORD });
  await until(() => browser.keptText.includes('"token":"cookie"'));
  const two = browser.open();
  await until(() => two.app.conversations.loaded.value);
  await one.app.session.signOut();
  await one.app.session.signIn({ name: "bob", password: PASSWORD });
  await until(() => nameOf(two) === "bob" && two.app.conversations.loaded.value);
  expect(nameOf(one)).toBe("bob");
  await two.app.session.signOut();
  await until(() => one.app.session.phase.value.is === "signed_out");
});

test("drafts and messages that wait belong to their account, whoever uses the browser next", async () => {
  const chat = await start();
  const bob = await chat.person("bob");
  const browser = chat.browser();
  const tab = browser.open();
  await tab.app.session.signUp({ name: "ann", password: PASSWORD });
  const here = await open(tab, "@bob");
  const id = here.conversation;
  tab.app.drafts.set(id, "ann's thought");
  await until(() => tab.app.conversations.byId(id).value?.draft === true);
  await tab.app.session.signOut();
  expect(tab.app.drafts.draft(id).value).toBe("");
  expect(tab.app.conversations.list.value).toEqual([]);
  await tab.app.session.signUp({ name: "cid", password: PASSWORD });
  await open(tab, "@bob");
  expect(tab.app.drafts.draft(id).value).toBe("");
  tab.app.drafts.set("c_cid", "cid's thought");
  await tab.app.session.signOut();
  await tab.app.session.signIn({ name: "ann", password: PASSWORD });
  expect(tab.app.drafts.draft(id).value).toBe("ann's thought");
  expect(tab.app.drafts.draft("c_cid").value).toBe("");

  // With the account everything goes that this browser kept of it.
  const ops = await bob.app.channels.create({ name: "ops" });
  await tab.app.conversations.open("#ops");
  const there = tab.app.conversations.byId(ops);
  await until(() => there.value !== undefined);
  tab.app.pending.post(there.value ?? { id: ops }, "refused");
  await until(() => browser.keptText.includes('"text":"refused","state":"failed"'));
  const laptop = chat.browser().open();
  await laptop.app.session.signIn({ name: "ann", password: PASSWORD });
  await laptop.app.session.deleteAccount({ password: PASSWORD, erase: true });
  for (const one of [laptop, tab]) {
    await until(() => one.app.session.phase.value.is === "signed_out");
    expect(one.app.session.phase.value).toMatchObject({ reason: "The account was deleted." });
  }
  await until(() => !browser.keptText.includes("refused"));
  expect(browser.keptText).not.toContain("ann's thought");
  expect(browser.keptText).toContain("cid's thought");
});

test("a session that was ended elsewhere says so, and leads back to where one was", async () => {
  const chat = await start();
  const ann = await chat.person("ann");
  await chat.person("bob");
  const here = await open(ann, "@bob");
  say(ann, here, "hello");
  await until(() => lines(here).includes("ann: hello"));
  const { hash } = ann;
  const laptop = chat.browser().open();
  await laptop.app.session.signIn({ name: "ann", password: PASSWORD });
  const other = (await laptop.app.session.sessions()).find(({ current }) => !current);
  await laptop.app.session.revoke(other?.id ?? "");
  await until(() => ann.app.session.phase.value.is === "signed_out");
  expect(ann.app.session.phase.value).toMatchObject({
    reason: "Your session is over. Sign in again.",
  });
  await ann.app.session.signIn({ name: "ann", password: PASSWORD });
  expect(ann.hash).toBe(hash);
  const again = ann.app.timelines.timeline(here.conversation);
  await until(() => again.loaded.value);
  say(ann, again, "back");
  await until(() => lines(again).includes("ann: back"));
});

test("where a server of another cluster answers now, one may sign in instead of waiting for ever", async () => {
  const chat = await start();
  const other = await Chat.start((options) => TestServer.start({ ...options, cluster: "other" }));
  chats.push(other);
  const browser = chat.browser();
  const tab = browser.open();
  await tab.app.session.signUp({ name: "ann", password: PASSWORD });
  await until(() => browser.keptText.includes('"token":"cookie"'));
  browser.wire.cut();
  browser.wire.site = other.browser().wire.site;
  browser.wire.mend();
  tab.app.connection.retryNow();
  await until(() => tab.app.session.phase.value.is === "signed_out");
  expect(browser.keptText).not.toContain("holdfast/session");
  await tab.app.session.signUp({ name: "ann", password: PASSWORD });
  expect(nameOf(tab)).toBe("ann");
});

test("signing out without a server is done here, and says what is left", async () => {
  const chat = await start();
  const browser = chat.browser();
  const tab = browser.open();
  await tab.app.session.signUp({ name: "ann", password: PASSWORD });
  await until(() => browser.keptText.includes('"token":"cookie"'));
  browser.wire.cut();
  await until(() => tab.app.connection.kind.value !== "live");
  const out = tab.app.session.signOut();
  for (let i = 0; i < 6; i++) {
    browser.clock.jump(1_000);
    await Bun.sleep(1);
  }
  await out;
  expect(tab.app.session.phase.value).toEqual({ is: "signed_out" });
  expect(tab.app.alerts.toasts.value.map(({ kind }) => kind)).toEqual(["warn"]);
  expect(browser.wire.cookie).toStartWith("hft_");
  await tab.close();
  browser.wire.mend();
  const again = browser.open();
  await until(() => browser.wire.cookie === undefined);
  expect(again.app.session.phase.value.is).toBe("signed_out");
});

test("rights come and go while one is signed in", async () => {
  const chat = await start();
  const ann = await chat.person("ann");
  expect(ann.app.session.isAdmin.value).toBe(false);
  expect(await codeOf(ann.app.admin.accounts())).toBe("forbidden");
  await chat.server.operator("admin.grant", { account: "@ann", id: newId() });
  await until(() => ann.app.session.isAdmin.value);
  const { accounts } = await ann.app.admin.accounts("nn");
  expect(accounts.map(({ name, admin }) => [name, admin])).toEqual([["ann", true]]);
  await ann.app.admin.signUp.update("invitation");
  await until(() => ann.app.session.hello.value?.signUp === "invitation");
  const { code, invitation } = await ann.app.admin.createInvitation({ uses: 1 });
  const bob = chat.browser().open();
  expect(await codeOf(bob.app.session.signUp({ name: "bob", password: PASSWORD }))).toBe(
    "forbidden",
  );
  await bob.app.session.signUp({ name: "bob", password: PASSWORD, invitation: code });
  expect(await ann.app.admin.invitations()).toEqual([]);
  expect(await codeOf(ann.app.admin.revokeInvitation(invitation.id))).not.toBe("forbidden");
  await ann.app.admin.disable("@bob");
  await until(() => bob.app.session.phase.value.is === "signed_out");
  expect(bob.app.session.phase.value).toMatchObject({
    reason: "The account was disabled. Ask an administrator.",
  });
  await chat.server.operator("admin.revoke", { account: "@ann", id: newId() });
  await until(() => !ann.app.session.isAdmin.value);
});

test("changing oneself: name, shown name, password", async () => {
  const chat = await start();
  const ann = await chat.person("ann");
  const bob = await chat.person("bob");
  const here = await open(ann, "@bob");
  say(ann, here, "hello");
  const there = await open(bob, "@ann");
  await until(() => lines(there).includes("ann: hello"));
  await ann.app.session.setDisplayName("Ann A.");
  await until(() => bob.app.conversations.list.value[0]?.title === "Ann A.");
  await ann.app.session.rename("anna");
  expect(nameOf(ann)).toBe("anna");
  await until(() => bob.app.conversations.list.value[0]?.handle === "@anna");
  await until(() => lines(there).includes("anna: hello"));
  const id = ann.app.session.account.value?.id ?? "";
  expect(bob.app.people.person(id).value).toMatchObject({ name: "anna", displayName: "Ann A." });
  expect(await codeOf(ann.app.session.changePassword("not it", "another horse"))).toBe(
    "bad_credentials",
  );
  await ann.app.session.changePassword(PASSWORD, "another horse");
  expect(nameOf(ann)).toBe("anna");
});
