/** The first minute: of the first person on a server, of those who are invited, and of those who may not come. */
import { expect } from "bun:test";
import { eventually } from "./browser/eventually.ts";
import { closeBrowserAfterAll, pageTest } from "./browser/page-test.ts";
import { PASSWORD } from "./browser/tab.ts";

closeBrowserAfterAll();

pageTest(
  "the first person becomes the administrator, is guided, and brings in others",
  async (world) => {
    const site = await world.site();
    const maya = await (await world.visitor(site)).open(await site.setupPath());
    await maya.signUp("maya", { displayName: "Maya Lindqvist" });
    const guide = maya.main("Getting started");
    await guide.waitFor();
    await guide.getByRole("radio", { name: "By invitation", exact: true }).check();
    await maya.press("Make #general", guide);
    await maya.entry("#general").waitFor();
    await maya.press("Make an invitation link", guide);
    const link = await guide.getByRole("textbox", { name: "Invitation link" }).inputValue();
    expect(link).toStartWith(`${site.url}/#/join/`);

    const tomas = await (await world.visitor(site)).open(link.slice(site.url.length));
    const form = tomas.main("Create an account");
    await form.getByLabel("Password", { exact: true }).waitFor();
    await tomas.signUp("tomas");
    await tomas.main("Getting started").waitFor();
    await tomas.joinChannel("#general");
    await tomas.send("m-1");
    await maya.entry("#general", "1 unread").waitFor();

    const stranger = await (await world.visitor(site)).open();
    await stranger.press("Create an account");
    await stranger.main("Create an account").waitFor();
    await stranger.fillIn("Create an account", { Name: "eve", Password: PASSWORD });
    await stranger.fillIn("Create an account", { "Invitation code": "abcd-efgh-ijkl" });
    await stranger.press("Create account");
    await stranger.page.getByText(/invitation code is wrong/).waitFor();
    expect(await stranger.connection.count(), "nobody is signed in").toBe(0);

    await maya.go("#/admin/sign-up");
    await maya.page.getByRole("radio", { name: "Nobody", exact: true }).check();
    await maya.page.getByRole("status").filter({ hasText: "Saved" }).waitFor();
    await stranger.go("#/");
    await stranger.reload();
    await stranger.main("Sign in").getByText("This server takes no new accounts").waitFor();
    expect(await stranger.page.getByRole("button", { name: "Create an account" }).count()).toBe(0);
  },
);

pageTest(
  "what is wrong with a name or a password is said where it is, and nothing typed is lost",
  async (world) => {
    const site = await world.site();
    await site.account("bob");
    const tab = await (await world.visitor(site)).open();
    await tab.signUpForm();
    const form = tab.main("Create an account");
    const attempt = async (name: string, password: string) => {
      await tab.fillIn("Create an account", { Name: name, Password: password });
      await tab.press("Create account", form);
    };
    const isTold = (what: RegExp) => form.getByText(what).first().waitFor();
    await attempt("bob", PASSWORD);
    await isTold(/taken/);
    await attempt("no blanks", PASSWORD);
    await isTold(/a–z|a-z/);
    await attempt("carol", "short");
    await isTold(/8 characters/);
    expect(await form.getByRole("textbox", { name: "Name", exact: true }).inputValue()).toBe(
      "carol",
    );
    await attempt("carol", PASSWORD);
    await tab.isConnected();
    await tab.signOut();
    const signIn = tab.main("Sign in");
    await tab.fillIn("Sign in", { Name: "carol", Password: "wrong horse" });
    await tab.press("Sign in", signIn);
    await signIn.getByRole("alert").first().waitFor();
    const name = () => signIn.getByRole("textbox", { name: "Name", exact: true }).inputValue();
    await eventually("the name as it was typed", name, (is) => is === "carol");
    await tab.signIn("carol");
  },
);

pageTest("an address with a place in it leads there after signing in", async (world) => {
  const site = await world.site();
  const { token } = await site.account("bob");
  await site.act(token, "channel.create", { name: "ops" });
  await site.act(token, "message.post", { to: "#ops", text: "m-1" });
  const tab = await (await world.visitor(site)).open("/#/%23ops");
  await tab.signUp("alice");
  await tab.main("Conversation #ops").waitFor();
  await tab.sees("m-1");
});
