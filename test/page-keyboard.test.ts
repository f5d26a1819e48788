/** Everything by keyboard alone: the focus is always somewhere, can always be seen, and comes back. */
import { expect } from "bun:test";
import { Keyboard } from "./browser/keyboard.ts";
import { closeBrowserAfterAll, pageTest } from "./browser/page-test.ts";
import { PASSWORD } from "./browser/tab.ts";
import { team, VIEWER } from "./browser/team.ts";

closeBrowserAfterAll();

pageTest("from an account to signing out without a mouse", async (world) => {
  const site = await world.site();
  await site.account("bob", "Bob Example");
  const tab = await (await world.visitor(site)).open();
  const keys = new Keyboard(tab);
  await tab.main("Sign in").or(tab.main("Create an account")).first().waitFor();
  if (await tab.main("Sign in").isVisible()) await keys.take("button", "Create an account");
  await tab.main("Create an account").waitFor();
  await keys.walkTo("textbox", "Name");
  await keys.type("alice");
  await keys.walkTo("textbox", "Password");
  await keys.type(PASSWORD);
  await keys.press("Enter");
  await tab.isConnected();

  await keys.take("button", "New channel");
  await tab.dialog("New channel").waitFor();
  await keys.walkTo("textbox", "Name");
  await keys.type("ops");
  await keys.walkTo("switch", "Private");
  await keys.press("Space");
  await keys.take("button", "Create channel");
  await tab.main("Conversation #ops").waitFor();

  await keys.walkTo("textbox", "Message #ops");
  await keys.type("wrnog words");
  await keys.press("Enter");
  await tab.sent("wrnog words");
  await keys.walkTo("textbox", "Message #ops");
  await keys.press("ArrowUp");
  await keys.walkTo("textbox", "Edit message");
  await keys.press("Control+A");
  await keys.type("right words");
  await keys.press("Enter");
  await tab.message("right words").filter({ hasText: "edited" }).waitFor();

  await keys.take("button", "Find people and channels");
  await tab.dialog("Find people and channels").waitFor();
  await keys.walkTo("combobox", "Name");
  await keys.type("bo");
  await tab.page.getByRole("option", { name: /^@bob/ }).waitFor();
  await keys.press("Enter");
  await tab.main("Conversation @bob").waitFor();

  await keys.take("link", "Search");
  await keys.walkTo("searchbox", "Search messages");
  await keys.type("words");
  await keys.press("Enter");
  await tab
    .main("Search")
    .getByRole("list", { name: "Results" })
    .getByRole("link")
    .first()
    .waitFor();
  await keys.take("link", /^alice in #ops/);
  await tab.main("Conversation #ops").waitFor();

  await keys.take("button", /^Account menu/);
  await keys.walkTo("menuitem", "Settings", "ArrowDown");
  await keys.press("Enter");
  await tab.main("Settings").waitFor();
  await keys.take("link", "Appearance");
  await keys.walkTo("radio", "System");
  await keys.press("ArrowDown");
  await keys.press("ArrowDown");
  expect(await tab.page.getByRole("radio", { name: "Dark", exact: true }).isChecked()).toBe(true);

  await keys.take("button", /^Account menu/);
  await keys.walkTo("menuitem", "Sign out", "ArrowDown");
  await keys.press("Enter");
  await tab.main("Sign in").waitFor();
  expect(keys.unseen, "focus that cannot be seen").toEqual([]);
});

pageTest("among messages: arrows, edit, delete, and back to where one was", async (world) => {
  const site = await world.site();
  const tab = await world.person(site, "alice");
  const keys = new Keyboard(tab);
  await tab.createChannel("ops");
  for (const text of ["m-1", "m-2", "m-3"]) {
    await tab.send(text);
    await tab.sent(text);
  }
  await keys.walkTo("log", "Messages", "Shift+Tab");
  await keys.press("ArrowUp");
  await keys.press("End");
  await keys.press("ArrowUp");
  const focused = tab.message("m-2").and(tab.page.locator(":focus"));
  await focused.waitFor();
  await keys.press("e");
  await keys.walkTo("textbox", "Edit message");
  await keys.press("Escape");
  await focused.waitFor();
  await keys.press("Delete");
  await tab.dialog("Delete this message?").waitFor();
  await keys.press("Escape");
  await focused.waitFor();
  await keys.press("Delete");
  await keys.take("button", "Delete");
  await tab.message("Message deleted").waitFor();
  await keys.press("Tab");
  expect(keys.unseen, "focus that cannot be seen").toEqual([]);
});

pageTest("dialogs and menus give the focus back, and ? lists the shortcuts", async (world) => {
  const { site } = await team();
  const tab = await (await world.visitor(site)).open();
  await tab.signIn(VIEWER.name);
  await tab.openConversation("#ops");
  const keys = new Keyboard(tab);
  for (const name of ["New channel", "Find people and channels"]) {
    await keys.take("button", name);
    await tab.dialog(name).waitFor();
    await keys.press("Escape");
    await tab.dialog(name).waitFor({ state: "detached" });
    expect(await keys.focus()).toEqual({ role: "button", name });
  }
  await keys.take("button", /^Account menu/);
  await tab.page.getByRole("menuitem").first().waitFor();
  await keys.press("Escape");
  expect((await keys.focus()).name).toStartWith("Account menu");
  await keys.press("?");
  await tab.dialog("Keyboard shortcuts").waitFor();
  await keys.press("Escape");
  expect((await keys.focus()).name).toStartWith("Account menu");
  await keys.walkTo("textbox", "Message #ops");
  await keys.press("?");
  expect(await tab.composer.inputValue(), "in a text it is a question mark").toBe("?");
  expect(await tab.dialog("Keyboard shortcuts").count()).toBe(0);
  expect(keys.unseen, "focus that cannot be seen").toEqual([]);
});

pageTest("the first stop skips to the conversation", async (world) => {
  const { site } = await team();
  const tab = await (await world.visitor(site)).open();
  await tab.signIn(VIEWER.name);
  await tab.openConversation("#ops");
  await tab.reload();
  await tab.sees("eleven minutes");
  await tab.page.evaluate("document.activeElement.blur()");
  const keys = new Keyboard(tab);
  await keys.press("Tab");
  await keys.walkTo("link", "Skip to the conversation");
  await keys.press("Enter");
  const { role } = await keys.focus();
  const inside = tab.main("Conversation #ops").locator(":focus");
  const isInside = (await inside.count()) > 0 || role === "main";
  expect(isInside, `the focus is on ${role}`).toBe(true);
});
