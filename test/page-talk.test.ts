/** Two people talk in the page: what one does, the other one sees, and what each sees of oneself. */
import { expect } from "bun:test";
import { eventually } from "./browser/eventually.ts";
import { closeBrowserAfterAll, pageTest } from "./browser/page-test.ts";
import type { Tab } from "./browser/tab.ts";
import type { World } from "./browser/world.ts";

closeBrowserAfterAll();

const AT_ONCE_MS = 1_500;

/** Alice, and Bob with a name to show, each in a browser of their own, on one server. */
async function twoPeople(world: World) {
  const site = await world.site();
  const alice = await (await world.visitor(site)).open();
  await alice.signUp("alice", { displayName: "Alice Example" });
  const bob = await (await world.visitor(site)).open();
  await bob.signUp("bob", { displayName: "Bob Example" });
  return { site, alice, bob };
}

/** Where something stands on the page, from above. */
async function top(tab: Tab, text: string): Promise<number> {
  return (await tab.message(text).boundingBox())?.y ?? Number.NaN;
}

pageTest("two people talk: found by typing, unread, read, stored, presence", async (world) => {
  const { alice, bob } = await twoPeople(world);
  await alice.find("@bob");
  await alice.send("are you there? m-1");
  await alice.sent("m-1");
  await bob.entry("Alice Example", "1 unread").waitFor();
  await eventually(
    "the count in the title",
    () => bob.page.title(),
    (title) => title.startsWith("(1) "),
  );
  await bob.openConversation("Alice Example");
  await bob.sees("are you there? m-1");
  await bob.entry("Alice Example", "1 unread").waitFor({ state: "detached" });
  await bob
    .main("Conversation @alice")
    .getByText(/^online/)
    .first()
    .waitFor();
  await bob.send("I am m-2");
  await bob.sent("m-2");
  await alice.reads(/m-\d+/g, ["m-1", "m-2"]);
  await alice.announced("Bob Example: I am m-2");
  await alice.page.close();
  await bob
    .main("Conversation @alice")
    .getByText(/^offline/)
    .first()
    .waitFor();
});

pageTest("what is typed is told, and no longer when it was sent", async (world) => {
  const { alice, bob } = await twoPeople(world);
  await alice.find("@bob");
  await alice.send("m-1");
  await bob.openConversation("Alice Example");
  await bob.sees("m-1");
  await alice.composer.pressSequentially("I am thinking");
  await bob.typing.filter({ hasText: "Alice Example is typing" }).waitFor();
  await alice.composer.press("Enter");
  await bob.sees("I am thinking");
  const typing = () => bob.typing.innerText();
  // It would be over by itself some seconds after the last key.
  await eventually("nobody typing", typing, (text) => text.trim() === "", AT_ONCE_MS);
});

pageTest("who comes back finds the line above what is new", async (world) => {
  const { alice, bob } = await twoPeople(world);
  await alice.createChannel("ops", { topic: "Everything that runs" });
  await alice.send("m-1");
  await bob.joinChannel("#ops");
  await bob.sees("m-1");
  await bob.go("#/settings/profile");
  await bob.main("Settings").waitFor();
  await alice.send("m-2");
  await alice.send("m-3");
  await alice.sent("m-3");
  await bob.entry("#ops", "2 unread").waitFor();
  await bob.openConversation("#ops");
  await bob.reads(/m-\d+/g, ["m-1", "m-2", "m-3"]);
  const line = bob.log.getByRole("separator", { name: "New messages", exact: true });
  const at = (await line.boundingBox())?.y ?? Number.NaN;
  expect(at).toBeGreaterThan(await top(bob, "m-1"));
  expect(at).toBeLessThan(await top(bob, "m-2"));
  await alice.send("m-4");
  await bob.sees("m-4");
  expect(await line.count(), "what comes while one looks is not new").toBe(1);
  await alice.press("Members", alice.main("Conversation #ops"));
  const members = alice.page.getByRole("complementary", { name: "Members" });
  await members.getByRole("listitem").filter({ hasText: "Bob Example" }).waitFor();
});

pageTest("one's own is edited and deleted, for both", async (world) => {
  const { alice, bob } = await twoPeople(world);
  await alice.find("@bob");
  await alice.send("m-1 wrnog");
  await alice.sent("m-1");
  await alice.send("m-2 regretted");
  await alice.sent("m-2");
  await bob.openConversation("Alice Example");
  await bob.sees("m-1 wrnog");
  await alice.edit("m-1 wrnog", "m-1 right");
  for (const tab of [alice, bob]) {
    await tab.message("m-1 right").filter({ hasText: "edited" }).waitFor();
    expect(await tab.message("wrnog").count()).toBe(0);
  }
  await alice.delete("m-2 regretted");
  for (const tab of [alice, bob]) {
    await tab.message("Message deleted").waitFor();
    expect(await tab.message("regretted").count()).toBe(0);
  }
  await bob.message("m-1 right").hover();
  const tools = bob.message("m-1 right").getByRole("button", { name: "Edit message" });
  expect(await tools.count(), "what others wrote is theirs").toBe(0);
});

pageTest("the composer: breaks, drafts, completion, EXIT", async (world) => {
  const { alice, bob } = await twoPeople(world);
  await alice.createChannel("ops");
  await alice.composer.pressSequentially("first line");
  await alice.composer.press("Shift+Enter");
  await alice.composer.pressSequentially("second line");
  await alice.composer.press("Enter");
  await alice.sent("first line");
  expect(await alice.message("first line").innerText()).toMatch(/first line\s*\n\s*second line/);

  await alice.composer.fill("a thought for #ops");
  await alice.find("@bob");
  await alice.composer.fill("a thought for Bob");
  await alice.entry("#ops", "draft").click();
  await eventually(
    "the draft of #ops",
    () => alice.composer.inputValue(),
    (text) => text === "a thought for #ops",
  );
  await alice.openConversation("Bob Example");
  await alice.reload();
  await eventually(
    "the draft for Bob after a reload",
    () => alice.composer.inputValue(),
    (text) => text === "a thought for Bob",
  );

  await alice.composer.fill("");
  await alice.composer.pressSequentially("ask @bo");
  const options = alice.page.getByRole("listbox", { name: "Suggestions" }).getByRole("option");
  await options.filter({ hasText: "@bob" }).waitFor();
  await alice.composer.press("Tab");
  await eventually(
    "the completed name",
    () => alice.composer.inputValue(),
    (text) => text.startsWith("ask @bob"),
  );
  await alice.composer.press("Enter");
  await alice.sent("ask @bob");

  await alice.send("EXIT");
  const leave = alice.dialog("Sign out?");
  await leave.waitFor();
  await alice.press("Send as a message", leave);
  await alice.sent("EXIT");
  await alice.send("EXIT");
  await alice.press("Sign out", alice.dialog("Sign out?"));
  await alice.main("Sign in").waitFor();
  await bob.openConversation("Alice Example");
  await bob.sees("EXIT");
});

pageTest("text is dressed: bold, code and links, and nothing else", async (world) => {
  const { alice, bob } = await twoPeople(world);
  await alice.find("@bob");
  await alice.send("see **this** and `rm -rf` at https://example.org/a_(b)?q=1, it is *fine*");
  await bob.openConversation("Alice Example");
  const message = bob.message("see this and rm -rf at https://example.org/a_(b)?q=1, it is fine");
  await message.waitFor();
  expect(await message.getByRole("strong").innerText()).toBe("this");
  expect(await message.getByRole("code").innerText()).toBe("rm -rf");
  expect(await message.getByRole("emphasis").innerText()).toBe("fine");
  const link = message.getByRole("link", { name: "https://example.org/a_(b)?q=1", exact: true });
  expect(await link.getAttribute("href")).toBe("https://example.org/a_(b)?q=1");
  expect(await link.getAttribute("rel")).toContain("noopener");
});

pageTest("a private channel is seen by those who were invited", async (world) => {
  const { alice, bob } = await twoPeople(world);
  await alice.createChannel("board", { isPrivate: true });
  await bob.press("Find people and channels", bob.sidebar);
  const finder = bob.dialog("Find people and channels");
  await finder.getByRole("combobox", { name: "Name" }).fill("boa*");
  await finder.getByText("Nobody and no channel found").waitFor();
  await bob.page.keyboard.press("Escape");
  await finder.waitFor({ state: "detached" });
  await alice.invite("#board", "@bob");
  await bob.press("Join #board", bob.sidebar);
  await bob.send("thank you m-1");
  await alice.sees("thank you m-1");
});
