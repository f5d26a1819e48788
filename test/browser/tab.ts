/**
 * A page as a person meets it: what is done and seen there, by role and accessible name only, so that each
 * step is one that somebody without eyes could take too.
 */
import type { Locator, Page } from "playwright-core";
import { eventually } from "./eventually.ts";

export const PASSWORD = "correct horse";

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

/** A name that is this, or begins with this and a comma. */
function beginsWith(text: string): RegExp {
  return new RegExp(`^${escaped(text)}(?:,|$)`);
}

export type SignUp = { displayName?: string; password?: string; invitation?: string };

export class Tab {
  readonly page: Page;

  constructor(page: Page) {
    this.page = page;
  }

  // Start

  async signUp(
    name: string,
    { displayName, password = PASSWORD, invitation }: SignUp = {},
  ): Promise<void> {
    const { page } = this;
    const form = await this.signUpForm();
    await form.getByRole("textbox", { name: "Name", exact: true }).fill(name);
    await form.getByLabel("Password", { exact: true }).fill(password);
    if (displayName !== undefined) await form.getByLabel("Display name").fill(displayName);
    if (invitation !== undefined) await form.getByLabel("Invitation code").fill(invitation);
    await form.getByRole("button", { name: "Create account", exact: true }).click();
    await this.isConnected();
    await page.getByRole("main").first().waitFor({ state: "attached" });
  }

  /** Goes to the form for a new account, whichever comes first here. */
  async signUpForm(): Promise<Locator> {
    const form = this.main("Create an account");
    const other = this.page.getByRole("button", { name: "Create an account", exact: true });
    await form.or(other).waitFor();
    if (await other.isVisible()) await other.click();
    return form;
  }

  async signIn(name: string, password = PASSWORD): Promise<void> {
    const form = this.main("Sign in");
    const other = this.page.getByRole("button", { name: "Sign in instead", exact: true });
    await form.or(other).waitFor();
    if (await other.isVisible()) await other.click();
    await form.getByRole("textbox", { name: "Name", exact: true }).fill(name);
    await form.getByLabel("Password", { exact: true }).fill(password);
    await form.getByRole("button", { name: "Sign in", exact: true }).click();
    await this.isConnected();
  }

  async signOut(): Promise<void> {
    await this.choose("Account menu", "Sign out");
    await this.main("Sign in").waitFor();
  }

  // Anywhere

  /** Fields of a view, by their labels. */
  async fillIn(view: string, fields: Readonly<Record<string, string>>): Promise<void> {
    for (const [label, text] of Object.entries(fields)) {
      await this.main(view).getByLabel(label, { exact: true }).fill(text);
    }
  }

  // The frame

  main(name: string): Locator {
    return this.page.getByRole("main", { name, exact: true });
  }

  dialog(title: string): Locator {
    return this.page.getByRole("dialog", { name: title, exact: true });
  }

  get sidebar(): Locator {
    return this.page.getByRole("navigation", { name: "Conversations", exact: true });
  }

  /** The entry of a conversation in the sidebar; `state` is what its name goes on with. */
  entry(title: string, state = ""): Locator {
    const name =
      state === "" ? beginsWith(title) : new RegExp(`^${escaped(title)}(?:,.*)?, ${state}`);
    return this.sidebar.getByRole("link", { name });
  }

  async openConversation(title: string): Promise<void> {
    await this.entry(title).click();
    await this.log.waitFor();
  }

  /** Finds by typing and opens what is found. */
  async find(handle: string): Promise<void> {
    await this.press("Find people and channels", this.sidebar);
    const finder = this.dialog("Find people and channels");
    await finder.getByRole("combobox", { name: "Name" }).fill(handle.slice(1));
    await finder.getByRole("option", { name: beginsWith(handle) }).click();
    await this.main(`Conversation ${handle}`).waitFor();
  }

  async createChannel(name: string, { topic = "", isPrivate = false } = {}): Promise<void> {
    await this.press("New channel", this.sidebar);
    const form = this.dialog("New channel");
    await form.getByRole("textbox", { name: "Name", exact: true }).fill(name);
    if (topic !== "") await form.getByRole("textbox", { name: "Topic", exact: true }).fill(topic);
    if (isPrivate) await form.getByRole("switch", { name: "Private" }).click();
    await form.getByRole("button", { name: "Create channel" }).click();
    await this.main(`Conversation #${name}`).waitFor();
  }

  async joinChannel(handle: string): Promise<void> {
    await this.find(handle);
    await this.press("Join channel");
    await this.composer.waitFor();
  }

  get connection(): Locator {
    return this.page.getByRole("status", { name: "Connection", exact: true });
  }

  async isConnected(): Promise<void> {
    await this.connection.filter({ hasText: /^\s*Connected/ }).waitFor({ state: "attached" });
  }

  async isNotConnected(): Promise<void> {
    await this.connection.filter({ hasText: /^\s*(?:Not connected|Connecting)/ }).waitFor();
  }

  // The conversation

  get log(): Locator {
    return this.page.getByRole("log", { name: "Messages", exact: true });
  }

  get composer(): Locator {
    const name = /^Message [#@]/;
    // While it offers what to complete it is a combobox.
    return this.page.getByRole("textbox", { name }).or(this.page.getByRole("combobox", { name }));
  }

  /** Messages with this text, waiting ones too. */
  message(text: string): Locator {
    return this.log.getByRole("article").filter({ hasText: text });
  }

  async send(text: string): Promise<void> {
    await this.composer.fill(text);
    await this.composer.press("Enter");
  }

  /** As somebody without a keyboard does. */
  async sendByButton(text: string): Promise<void> {
    await this.composer.fill(text);
    await this.press("Send", this.page.getByRole("main"));
  }

  async sees(text: string): Promise<void> {
    await this.message(text).first().waitFor();
  }

  /** Waits until what is said about a message of one's own is this. */
  async sent(text: string, state = "Stored on 1 of 1 server"): Promise<void> {
    await this.message(text).filter({ hasText: state }).waitFor();
  }

  get typing(): Locator {
    return this.page.getByRole("status", { name: "Typing", exact: true });
  }

  /** Waits until a screen reader was told so. */
  async announced(text: string): Promise<void> {
    const spoken = this.page.getByRole("status", { name: "Announcements", exact: true });
    await spoken.filter({ hasText: text }).waitFor({ state: "attached" });
  }

  async edit(text: string, to: string): Promise<void> {
    await this.message(text).hover();
    await this.press("Edit message", this.message(text));
    await this.log.getByRole("textbox", { name: "Edit message", exact: true }).fill(to);
    await this.press("Save", this.log);
  }

  async delete(text: string): Promise<void> {
    await this.message(text).hover();
    await this.press("Delete message", this.message(text));
    await this.press("Delete", this.dialog("Delete this message?"));
  }

  /** From the open channel's members. */
  async invite(channel: string, account: string): Promise<void> {
    const members = this.page.getByRole("complementary", { name: "Members", exact: true });
    if (!(await members.isVisible()))
      await this.press("Members", this.main(`Conversation ${channel}`));
    await this.press("Invite people", members);
    const invitation = this.dialog(`Invite people to ${channel}`);
    await invitation.getByRole("combobox", { name: "Name" }).fill(account.slice(1));
    await invitation.getByRole("option", { name: beginsWith(account) }).click();
    await this.press("Invite", invitation);
    await invitation.waitFor({ state: "detached" });
  }

  /** All that matches, in the order in which it stands in the conversation. */
  async read(pattern: RegExp): Promise<string[]> {
    const texts = await this.log.getByRole("article").allInnerTexts();
    return texts.flatMap((text) => [...text.matchAll(pattern)].map(([found]) => found));
  }

  /** Waits until exactly these are there, in this order. */
  async reads(pattern: RegExp, expected: readonly string[]): Promise<void> {
    const right = JSON.stringify(expected);
    await eventually(
      `${expected.length} messages: ${right}`,
      () => this.read(pattern),
      (found) => JSON.stringify(found) === right,
    );
  }

  /** Where the newest is not in sight there is a button; where it is there is none. */
  async jumpToNewest(): Promise<void> {
    const jump = this.page.getByRole("button", { name: beginsWith("Jump to newest") });
    if (await jump.isVisible()) await jump.click();
    await jump.waitFor({ state: "detached" });
  }

  // Anywhere

  async press(name: string, within: Locator | Page = this.page): Promise<void> {
    await within.getByRole("button", { name, exact: true }).click();
  }

  /** An entry of the menu behind a button whose name begins so. */
  async choose(menu: string, item: string, within: Locator | Page = this.page): Promise<void> {
    await within.getByRole("button", { name: beginsWith(menu) }).click();
    await this.page.getByRole("menuitem", { name: beginsWith(item) }).click();
  }

  /** Waits until nothing is being loaded into the view. */
  async loaded(): Promise<void> {
    const loading = this.page.getByRole("status").filter({ hasText: /^\s*(?:Loading|Searching)/ });
    await loading.first().waitFor({ state: "detached" });
  }

  async go(hash: string): Promise<void> {
    const url = new URL(this.page.url());
    url.hash = hash;
    await this.page.goto(url.href);
  }

  /** Loads it anew, as from the address bar. */
  async reload(): Promise<void> {
    await this.page.reload();
  }

  /** Waits until the page would be there without its server. */
  async pageIsKept(): Promise<void> {
    await this.page.evaluate("navigator.serviceWorker.ready.then(() => true)");
  }

  /** The tab's process dies at once: the page is told nothing, and can keep nothing more. */
  async crash(): Promise<void> {
    const session = await this.page.context().newCDPSession(this.page);
    const gone = new Promise((resolve) => this.page.once("crash", resolve));
    session.send("Page.crash").catch(() => {}); // nobody is left to answer
    await gone;
  }

  async close(): Promise<void> {
    await this.page.close();
  }
}
