/**
 * Nothing that was written is lost or said twice: whatever fails between the page and its server, and whatever
 * becomes of the tab. What the page shows and what the server has are compared with what was written.
 */
import { expect } from "bun:test";
import { eventually } from "./browser/eventually.ts";
import { closeBrowserAfterAll, pageTest } from "./browser/page-test.ts";
import type { Account, Site } from "./browser/site.ts";
import type { Tab } from "./browser/tab.ts";
import type { Visitor, World } from "./browser/world.ts";
import { count, heavy } from "./heavy.ts";

closeBrowserAfterAll();

const WORDS = /m-\d+/g;
const upTo = (n: number, from = 1) =>
  Array.from({ length: n - from + 1 }, (_, i) => `m-${from + i}`);

type Scene = {
  readonly site: Site;
  readonly visitor: Visitor;
  /** Her first tab, in #ops. */
  readonly alice: Tab;
  /** A member of #ops who looks past the browser. */
  readonly witness: Account;
};

/** Alice in a channel, at the end of a line that can fail. */
async function scene(world: World): Promise<Scene> {
  const site = await world.site({ withLine: true });
  const witness = await site.account("witness");
  await site.act(witness.token, "channel.create", { name: "ops" });
  const visitor = await world.visitor(site);
  const alice = await visitor.open();
  await alice.signUp("alice");
  await alice.joinChannel("#ops");
  return { site, visitor, alice, witness };
}

async function serverHas({ site, witness }: Scene, expected: readonly string[]): Promise<void> {
  const right = JSON.stringify(expected);
  await eventually(
    `the server to have ${right}`,
    () => site.texts(witness.token, "#ops"),
    (texts) => JSON.stringify(texts) === right,
  );
}

async function goOffline({ site, visitor }: Scene): Promise<void> {
  site.line.become("cut");
  await visitor.context.setOffline(true);
}

async function goOnline({ site, visitor }: Scene): Promise<void> {
  site.line.become("whole");
  await visitor.context.setOffline(false);
}

pageTest(
  "offline: what is written waits, survives a reload, and goes out in order, once",
  async (world) => {
    const at = await scene(world);
    const { alice } = at;
    await alice.send("m-1");
    await alice.sent("m-1");
    await alice.pageIsKept();
    await goOffline(at);
    await alice.isNotConnected();
    for (const text of upTo(4, 2)) await alice.send(text);
    await alice.sent("m-4", "Waiting to be sent");
    await alice.connection.filter({ hasText: "3 messages wait to be sent" }).waitFor();
    await alice.reload();
    await alice.reads(WORDS, upTo(4, 2));
    await alice.send("m-5");
    await alice.sent("m-5", "Waiting to be sent");
    await serverHas(at, upTo(1));
    await goOnline(at);
    await alice.isConnected();
    await alice.sent("m-5");
    await alice.reads(WORDS, upTo(5));
    await serverHas(at, upTo(5));
    expect(await alice.message("Waiting to be sent").count()).toBe(0);
  },
);

pageTest(
  "a line that falls silent is noticed, and what is written meanwhile arrives once",
  async (world) => {
    const at = await scene(world);
    const { alice } = at;
    at.site.line.become("silent");
    for (const text of upTo(3)) await alice.send(text);
    await alice.isNotConnected();
    at.site.line.become("whole");
    await alice.sent("m-3");
    await alice.reads(WORDS, upTo(3));
    await serverHas(at, upTo(3));
  },
);

pageTest(
  "what arrived unanswered is not said again, not even by the page of after a reload",
  async (world) => {
    const at = await scene(world);
    const { alice } = at;
    await alice.pageIsKept();
    at.site.line.become("deaf");
    await alice.send("m-1");
    await alice.send("m-2");
    await serverHas(at, upTo(1));
    expect(await alice.message("Stored on").count(), "claims nothing that it was not told").toBe(0);
    await alice.reload();
    await alice.reads(WORDS, upTo(2));
    at.site.line.become("whole");
    await alice.sent("m-2");
    await alice.reads(WORDS, upTo(2));
    await serverHas(at, upTo(2));
  },
);

pageTest("the server is killed and comes back while one types and sends", async (world) => {
  const at = await scene(world);
  const { alice, site } = at;
  const kills = heavy(2, 12);
  const perKill = 12;
  let next = 1;
  for (let kill = 0; kill < kills; kill++) {
    const killed = Bun.sleep(20 + 60 * kill).then(() => site.kill());
    for (let i = 0; i < perKill; i++) await alice.send(`m-${next++}`);
    await killed;
    await alice.composer.fill("still typing");
    await alice.isNotConnected();
    await site.restart();
    await alice.isConnected();
    expect(await alice.composer.inputValue()).toBe("still typing");
  }
  await alice.sent(`m-${next - 1}`);
  await alice.reads(WORDS, upTo(next - 1));
  await serverHas(at, upTo(next - 1));
  count("server kills under a page", kills);
});

pageTest("two tabs share what waits, and say it once", async (world) => {
  const at = await scene(world);
  const { alice, visitor } = at;
  const second = await visitor.open();
  await second.isConnected();
  await second.openConversation("#ops");
  await goOffline(at);
  await alice.isNotConnected();
  await second.isNotConnected();
  await alice.send("m-1");
  await alice.sent("m-1", "Waiting to be sent");
  await second.sent("m-1", "Waiting to be sent");
  await second.send("m-2");
  await alice.sent("m-2", "Waiting to be sent");
  await goOnline(at);
  for (const tab of [alice, second]) {
    await tab.sent("m-2");
    await tab.reads(WORDS, upTo(2));
  }
  await serverHas(at, upTo(2));
});

pageTest("what a closed tab left goes out by the other one, or by the next", async (world) => {
  const at = await scene(world);
  const { alice, visitor } = at;
  const second = await visitor.open();
  await second.isConnected();
  await second.openConversation("#ops");
  await goOffline(at);
  await alice.isNotConnected();
  for (const text of upTo(3)) await alice.send(text);
  await alice.sent("m-3", "Waiting to be sent");
  await alice.close();
  await goOnline(at);
  await second.reads(WORDS, upTo(3));
  await serverHas(at, upTo(3));

  await goOffline(at);
  await second.isNotConnected();
  for (const text of upTo(6, 4)) await second.send(text);
  await second.sent("m-6", "Waiting to be sent");
  await second.close();
  await goOnline(at);
  const third = await visitor.open();
  await third.openConversation("#ops");
  await third.reads(WORDS, upTo(6));
  await third.sent("m-6");
  await serverHas(at, upTo(6));
});

pageTest("a draft and what was just sent survive a crash of the tab", async (world) => {
  const at = await scene(world);
  const { alice, visitor } = at;
  at.site.line.become("cut");
  await alice.isNotConnected();
  await alice.send("m-1");
  await alice.sent("m-1", "Waiting to be sent");
  await alice.composer.fill("half a thought");
  await Bun.sleep(1_000); // a draft is kept a moment after the last key
  await alice.crash();
  at.site.line.become("whole");
  const again = await visitor.open();
  await again.openConversation("#ops");
  await again.sent("m-1");
  await eventually(
    "the draft",
    () => again.composer.inputValue(),
    (text) => text === "half a thought",
  );
  await serverHas(at, upTo(1));
});

pageTest("who signs out in one tab is out in all, and signs in again in both", async (world) => {
  const { alice, visitor, site } = await scene(world);
  const second = await visitor.open();
  await second.isConnected();
  await alice.signOut();
  await second.main("Sign in").waitFor();
  await second.signIn("alice");
  await second.entry("#ops").waitFor();
  const cookies = await visitor.context.cookies(site.url);
  expect(cookies.every(({ httpOnly }) => httpOnly)).toBe(true);
});

pageTest(
  "signing out with messages that wait asks first, and they go out at the next sign-in",
  async (world) => {
    const at = await scene(world);
    const { alice } = at;
    await goOffline(at);
    await alice.isNotConnected();
    await alice.send("m-1");
    await alice.sent("m-1", "Waiting to be sent");
    for (const answer of ["Cancel", "Sign out"]) {
      await alice.choose("Account menu", "Sign out");
      const question = alice.dialog("Sign out?");
      await question
        .getByText(/1 message/)
        .first()
        .waitFor();
      await alice.press(answer, question);
      await question.waitFor({ state: "detached" });
    }
    await alice.main("Sign in").waitFor();
    await goOnline(at);
    await alice.signIn("alice");
    await serverHas(at, upTo(1));
    await alice.openConversation("#ops");
    await alice.sent("m-1");
  },
);

pageTest("what is refused says why and is offered again", async (world) => {
  const at = await scene(world);
  const { alice, site, witness } = at;
  const { members } = await site.call(witness.token, "channel.members", { in: "#ops" });
  const her = (members as { name: string; id: string }[]).find(({ name }) => name === "alice");
  await goOffline(at);
  await alice.isNotConnected();
  await alice.send("m-1");
  await alice.sent("m-1", "Waiting to be sent");
  await site.act(witness.token, "channel.remove", { in: "#ops", account: her?.id });
  await goOnline(at);
  const refused = alice.message("m-1").filter({ hasText: "Not sent" });
  await refused.waitFor();
  await site.act(witness.token, "channel.invite", { in: "#ops", account: her?.id });
  await alice.press("Join channel");
  await alice.press("Try again", alice.message("m-1"));
  await alice.sent("m-1");
  await serverHas(at, upTo(1));
});
