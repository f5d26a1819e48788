/** What is typed into the composer and is no message, and what is said of messages without being asked. */
import { expect } from "bun:test";
import { COMMANDS } from "../src/web/conversation/typed.ts";
import { eventually } from "./browser/eventually.ts";
import { closeBrowserAfterAll, pageTest } from "./browser/page-test.ts";
import type { Tab } from "./browser/tab.ts";

closeBrowserAfterAll();

const options = (tab: Tab) =>
  tab.page.getByRole("listbox", { name: "Suggestions" }).getByRole("option");

async function holds(tab: Tab, text: string): Promise<void> {
  await eventually(
    `${text} in the composer`,
    () => tab.composer.inputValue(),
    (value) => value === text,
  );
}

pageTest("commands do what they say, and what is none is not sent", async (world) => {
  const site = await world.site();
  const alice = await world.person(site, "alice");
  await alice.find("@alice");
  await alice.send("/create #ops");
  await alice.main("Conversation #ops").waitFor();
  await alice.send("/topic Everything that runs");
  await alice.main("Conversation #ops").getByText("Everything that runs").waitFor();
  const bob = await world.person(site, "bob");
  await bob.find("@alice");
  await bob.send("/join #ops");
  await bob.main("Conversation #ops").waitFor();
  await bob.send("/msg @alice hello m-1");
  await alice.entry("bob", "1 unread").waitFor();
  await bob.send("/to #ops");
  await bob.main("Conversation #ops").waitFor();
  await alice.send("/create #board --private");
  await alice.main("Conversation #board").waitFor();
  await alice.send("/invite @bob");
  await bob.page.getByRole("button", { name: "Join #board", exact: true }).waitFor();
  await alice.send("/members");
  await alice.page.getByRole("complementary", { name: "Members" }).waitFor();
  await bob.send("m-2 for the search");
  await bob.sent("m-2");
  await bob.send("/search for the");
  const results = bob.main("Search").getByRole("list", { name: "Results" });
  await results.getByRole("listitem").filter({ hasText: "m-2" }).waitFor();

  await bob.go("#/#ops");
  await bob.send("/frobnicate now");
  await bob.main("Conversation #ops").getByText("There is no command /frobnicate").waitFor();
  await holds(bob, "/frobnicate now");
  await bob.send("/topic ");
  await bob.main("Conversation #ops").getByText("Which topic?").waitFor();
  await bob.send("//frobnicate is a message");
  await bob.sent("/frobnicate is a message");
  await bob.send("/leave");
  await bob.entry("#ops").waitFor({ state: "detached" });
  await bob.find("@alice");
  await bob.send("/help");
  for (const { name, does } of COMMANDS) {
    const row = bob.dialog("Keyboard shortcuts").locator(".shortcut", { hasText: `/${name}` });
    await row.filter({ hasText: does }).waitFor();
  }
  await bob.page.keyboard.press("Escape");
  await bob.send("/quit");
  await bob.press("Sign out", bob.dialog("Sign out?"));
  await bob.main("Sign in").waitFor();
});

pageTest("commands, people and channels are completed by the keyboard alone", async (world) => {
  const site = await world.site();
  const alice = await world.person(site, "alice");
  await world.person(site, "bob");
  await alice.createChannel("operations");
  await alice.composer.pressSequentially("/jo");
  await options(alice).filter({ hasText: "/join" }).waitFor();
  await alice.composer.press("Enter");
  await holds(alice, "/join ");
  await alice.composer.pressSequentially("#op");
  await options(alice).filter({ hasText: "#operations" }).waitFor();
  await alice.composer.press("Tab");
  await eventually(
    "the channel's name",
    () => alice.composer.inputValue(),
    (value) => value.trimEnd() === "/join #operations",
  );
  await alice.composer.fill("");
  await alice.composer.pressSequentially("see #ope");
  await options(alice).filter({ hasText: "#operations" }).waitFor();
  await alice.composer.press("Escape");
  await options(alice).first().waitFor({ state: "detached" });
  await holds(alice, "see #ope");
  await alice.composer.pressSequentially("rations, @");
  await options(alice).filter({ hasText: "@bob" }).or(options(alice)).first().waitFor();
  await alice.composer.pressSequentially("b");
  await options(alice).filter({ hasText: "@bob" }).waitFor();
  await alice.composer.press("Enter");
  await holds(alice, "see #operations, @bob ");
  await alice.composer.press("Enter");
  const sent = alice.message("see #operations, @bob");
  await sent.waitFor();
  await sent.getByRole("link", { name: "#operations" }).click();
  await alice.main("Conversation #operations").waitFor();
});

pageTest(
  "a grouped message shows its time under the pointer and to the keyboard",
  async (world) => {
    const site = await world.site();
    const alice = await world.person(site, "alice");
    await alice.createChannel("ops");
    for (const text of ["m-1", "m-2", "m-3"]) {
      await alice.send(text);
      await alice.sent(text);
    }
    const shown = (text: string) =>
      alice
        .message(text)
        .locator("time")
        .evaluate((time) => {
          const { parentElement: place } = time as unknown as { parentElement: unknown };
          const { opacity } = (
            globalThis as unknown as { getComputedStyle(of: unknown): { opacity: string } }
          ).getComputedStyle(place);
          return opacity === "1";
        });
    const becomes = (text: string, is: boolean) =>
      eventually(
        `the time of ${text}: ${is}`,
        () => shown(text),
        (now) => now === is,
      );
    expect(await shown("m-1"), "the first of a group always shows it").toBe(true);
    await alice.page.mouse.move(0, 0);
    await becomes("m-2", false);
    await alice.message("m-2").hover();
    await becomes("m-2", true);
    await alice.page.mouse.move(0, 0);
    await becomes("m-2", false);
    await alice.message("m-3").focus();
    await alice.page.keyboard.press("ArrowUp");
    await becomes("m-2", true);
  },
);

pageTest(
  "who looks at another conversation is told in the page, until it is looked at",
  async (world) => {
    const site = await world.site();
    const alice = await world.person(site, "alice");
    const bob = await world.person(site, "bob");
    await alice.createChannel("ops");
    await bob.joinChannel("#ops");
    const notices = bob.page.getByRole("region", { name: "Notices" });
    await bob.find("@bob");
    await alice.send("nobody is named m-1");
    await alice.send("look here, @bob m-2");
    await alice.sent("m-2");
    const notice = notices.getByRole("status").filter({ hasText: "m-2" });
    await notice.waitFor();
    expect(await notices.getByText("m-1").count(), "it was not about bob").toBe(0);
    await bob.press("Show", notice);
    await bob.main("Conversation #ops").waitFor();
    await bob.sees("m-2");
    await notice.waitFor({ state: "detached" });
  },
);

pageTest("an administrator says who may sign up, and the way in follows", async (world) => {
  const site = await world.site();
  const admin = await world.person(site, "admin");
  await site.makeAdmin("admin");
  await admin.reload();
  await admin.go("#/admin/sign-up");
  await admin.page.getByRole("radio", { name: "Nobody" }).check();
  const policy = async () => (await site.call(null, "server.hello", {})).signUp;
  await eventually("nobody may", policy, (is) => is === "closed");
  const visitor = await (await world.visitor(site)).open();
  await visitor.main("Sign in").waitFor();
  expect(await visitor.page.getByRole("button", { name: "Create an account" }).count()).toBe(0);
  await admin.page.getByRole("radio", { name: "By invitation" }).check();
  await eventually("with an invitation one may", policy, (is) => is === "invitation");
});
