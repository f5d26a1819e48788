/** What one sets of oneself, an owner of a channel, and an administrator of all: done here, seen by others. */
import { expect } from "bun:test";
import { eventually } from "./browser/eventually.ts";
import { closeBrowserAfterAll, pageTest } from "./browser/page-test.ts";
import { PASSWORD } from "./browser/tab.ts";

closeBrowserAfterAll();

pageTest(
  "names, password and sessions: what changes is seen and heard elsewhere",
  async (world) => {
    const site = await world.site();
    const bob = await world.person(site, "bob");
    const alice = await world.person(site, "alice");
    await alice.find("@bob");
    await alice.send("m-1");
    await bob.openConversation("alice");
    await alice.go("#/settings/profile");
    await alice.fillIn("Settings", { "Display name": "Alice Example" });
    await alice.press("Save display name");
    await bob.entry("Alice Example").waitFor();
    await alice.fillIn("Settings", { Name: "alicia" });
    await alice.press("Change name");
    await bob.main("Conversation @alicia").waitFor();

    const phone = await (await world.visitor(site)).open();
    await phone.signIn("alicia");
    await alice.go("#/settings/sessions");
    const sessions = alice.main("Settings").getByRole("list", { name: "Sessions" });
    await sessions.getByRole("button", { name: /^End session/ }).click();
    await alice.press("End session", alice.dialog("End this session?"));
    await phone.main("Sign in").waitFor();
    await phone.signIn("alicia");
    await alice.go("#/settings/security");
    await alice.fillIn("Settings", {
      "Current password": PASSWORD,
      "New password": "battery staple",
    });
    await alice.press("Change password");
    await phone.main("Sign in").waitFor();
    await phone.signIn("alicia", "battery staple");
    await alice.isConnected();
  },
);

pageTest(
  "an account is deleted with what it wrote, after saying what that means",
  async (world) => {
    const site = await world.site();
    const bob = await world.person(site, "bob");
    const alice = await world.person(site, "alice");
    await alice.find("@bob");
    await alice.send("a word to be erased");
    await bob.openConversation("alice");
    await bob.sees("a word to be erased");
    await alice.go("#/settings/account");
    await alice.main("Settings").getByText("It cannot be undone").first().waitFor();
    await alice.press("Delete account");
    const question = alice.dialog("Delete your account?");
    await question.getByLabel("Password", { exact: true }).fill(PASSWORD);
    await question.getByRole("switch", { name: "Erase my messages too" }).click();
    await alice.press("Delete my account", question);
    await alice.main("Sign in").or(alice.main("Create an account")).first().waitFor();
    await bob.message("Message deleted").waitFor();
    expect(await bob.message("a word to be erased").count()).toBe(0);
  },
);

pageTest(
  "an owner changes a channel, removes and bans; who is banned sees it no more",
  async (world) => {
    const site = await world.site();
    const alice = await world.person(site, "alice");
    const bob = await world.person(site, "bob");
    await alice.createChannel("ops");
    await bob.joinChannel("#ops");
    await alice.choose("Conversation menu", "Channel settings");
    const settings = alice.main("Settings of #ops");
    await settings.getByRole("textbox", { name: "Topic", exact: true }).fill("All that runs");
    await settings.getByRole("switch", { name: "Private" }).click();
    await alice.press("Save", settings);
    await bob.main("Conversation #ops").getByText("All that runs").first().waitFor();
    await bob.entry("#ops", "private").waitFor();
    await alice.choose("Actions for bob", "Ban from channel", settings);
    const question = alice.page.getByRole("dialog");
    await question.getByRole("button", { name: /^Ban/ }).click();
    await settings.getByRole("list", { name: "Banned" }).getByText("bob").first().waitFor();
    await bob.entry("#ops").waitFor({ state: "detached" });
    await alice.choose("Actions for bob", "Lift the ban", settings);
    await question.getByRole("button", { name: /^Lift/ }).click();
    await settings.getByRole("list", { name: "Banned" }).waitFor({ state: "detached" });
  },
);

pageTest("an administrator disables, sets a password, invites and revokes", async (world) => {
  const site = await world.site();
  const root = await (await world.visitor(site)).open(await site.setupPath());
  await root.signUp("root");
  const bob = await world.person(site, "bob");
  await root.choose("Account menu", "Administration");
  const admin = root.main("Administration");
  await admin.getByRole("searchbox", { name: "Find accounts" }).fill("b*");
  await root.choose("Actions for @bob", "Disable account", admin);
  await root.press("Disable account", root.page.getByRole("dialog"));
  await bob.main("Sign in").waitFor();
  await admin
    .getByRole("listitem")
    .filter({ hasText: "@bob" })
    .filter({ hasText: "disabled" })
    .waitFor();
  await root.choose("Actions for @bob", "Enable account", admin);
  await root.press("Enable account", root.page.getByRole("dialog"));
  await root.choose("Actions for @bob", "Set a new password", admin);
  const dialog = root.dialog("New password for @bob");
  await dialog.getByLabel("New password").fill("battery staple");
  await root.press("Set password", dialog);
  await dialog.waitFor({ state: "detached" });
  await bob.signIn("bob", "battery staple");

  await admin.getByRole("link", { name: "Invitations", exact: true }).click();
  await root.press("New invitation", admin);
  await root.press("Create invitation", root.dialog("New invitation"));
  await root.page.getByRole("textbox", { name: "Invitation link" }).waitFor();
  await root.press("Done", root.dialog("New invitation"));
  const invitations = admin.getByRole("list", { name: "Invitations" });
  await invitations.getByRole("button", { name: /^Revoke invitation/ }).click();
  await root.press("Revoke invitation", root.page.getByRole("dialog"));
  await invitations.getByRole("listitem").waitFor({ state: "detached" });
});

pageTest("notifications are asked for when they are wanted, and not before", async (world) => {
  const site = await world.site();
  const visitor = await world.visitor(site);
  await visitor.context.addInitScript({
    content: `window.__asked = 0;
      window.__shown = [];
      window.Notification = class {
        static permission = "default";
        static async requestPermission() { window.__asked++; return (this.permission = "granted"); }
        constructor(title, options) { __shown.push(title + ": " + (options?.body ?? "")); }
        close() {}
      };`,
  });
  const alice = await visitor.open();
  await alice.signUp("alice");
  const asked = () => alice.page.evaluate<number>("window.__asked");
  await alice.go("#/settings/notifications");
  await alice.main("Settings").waitFor();
  expect(await asked()).toBe(0);
  await alice.page.getByRole("switch", { name: "Notifications of the browser" }).click();
  await alice.page
    .getByRole("switch", { name: "Notifications of the browser", checked: true })
    .waitFor();
  expect(await asked()).toBe(1);
});

pageTest(
  "where only a worker may show notifications it does, and leads to the message",
  async (world) => {
    const site = await world.site();
    const bob = await world.person(site, "bob");
    const visitor = await world.visitor(site);
    await visitor.context.grantPermissions(["notifications"]);
    // As Chrome on Android has it; nobody looks at the page.
    await visitor.context.addInitScript({
      content: `window.Notification = class {
        static permission = "granted";
        static requestPermission = async () => "granted";
        constructor() { throw new TypeError("Illegal constructor"); }
      };
      window.__shown = 0;
      const { prototype } = ServiceWorkerRegistration;
      const { showNotification } = prototype;
      prototype.showNotification = async function (...about) {
        await showNotification.apply(this, about);
        window.__shown++;
      };
      document.hasFocus = () => false;`,
    });
    const alice = await visitor.open();
    await alice.signUp("alice");
    await alice.pageIsKept();
    await alice.go("#/settings/notifications");
    await alice.page.getByRole("switch", { name: "Notifications of the browser" }).click();
    await bob.find("@alice");
    await bob.send("m-1");
    const [worker] = visitor.context.serviceWorkers();
    const shown = () =>
      worker?.evaluate<string[]>(
        "registration.getNotifications().then((all) => all.map(({ title, body }) => title + ': ' + body))",
      );
    // Chromium forgets a notification that is asked for while it is only about to be shown.
    const count = () => alice.page.evaluate<number>("window.__shown");
    await eventually("a notification on its way", count, (all) => all === 1);
    await eventually("a notification", shown, (all) => all?.join() === "bob: m-1");
    await worker?.evaluate(
      "registration.getNotifications().then(([notification]) => " +
        "dispatchEvent(new NotificationEvent('notificationclick', { notification })))",
    );
    await alice.main("Conversation @bob").waitFor();
    await eventually("no notification", shown, (all) => all?.length === 0);
  },
);
