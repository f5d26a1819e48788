/**
 * Text is text. Everything that a person can write, in every field that another person sees, is shown as it
 * was written: no markup of it is interpreted, no script of it runs, no address of it does anything but lead
 * somewhere. Each test also fails by what the world watches: a script that runs, a breach of the policy.
 */
import { expect } from "bun:test";
import { SIDEWAYS } from "./browser/in-page.ts";
import { closeBrowserAfterAll, pageTest } from "./browser/page-test.ts";
import type { Account, Site } from "./browser/site.ts";
import type { Tab } from "./browser/tab.ts";
import { NARROW } from "./browser/world.ts";

closeBrowserAfterAll();

/** Each tries to run something that the world would notice, by one way in. */
const SCRIPTS = [
  `<img src=x onerror="window.__pwned='img'">`,
  `<script>window.__pwned='script'</script>`,
  `<svg/onload="window.__pwned='svg'">`,
  `"><iframe srcdoc="<script>parent.__pwned='frame'</script>">`,
  `javascript:window.__pwned='scheme'`,
  `[click](javascript:window.__pwned='markdown')`,
  `<a href="javascript:window.__pwned='anchor'">go</a>`,
  `https://x.example/"onmouseover="window.__pwned='attribute'`,
  "data:text/html,<script>parent.__pwned='data'</script>",
  "**<b onclick=window.__pwned='bold'>**`<i>`*<u>*",
  "{{constructor.constructor('window.__pwned=1')()}}",
  "```\n</code></pre><script>window.__pwned='fence'</script>\n```",
] as const;

/** Each tries to break the layout, or what stands beside it. */
const SHAPES = [
  "\u202egnp.tpircs\u202c after the override",
  `one\u200bword\u200dwith\ufeffnothing\u2060between`,
  "w".repeat(2_000),
  "👩‍👩‍👧‍👦🏳️‍🌈🇺🇳1️⃣",
  `Z${"\u0351\u0348\u0353".repeat(60)}algo`,
  "مرحبا بالعالم، كيف حالك اليوم؟ abc 123",
  "\n\n\n.\n\n\n",
] as const;

/** Fits the fields that are short. */
const NAME = `<img src=x onerror="window.__pwned='name'">`;
const RTL_NAME = "\u202eevil <b>name</b>";

type Stage = { readonly site: Site; readonly mallory: Account; readonly alice: Tab };

async function noElement(tab: Tab): Promise<void> {
  const found = await tab.page.evaluate<number>(
    `document.querySelectorAll("iframe, object, embed, img[src='x'], svg[onload], [onerror], [onclick], [onmouseover], a[href^='javascript:' i], a[href^='data:' i], body script").length`,
  );
  expect(found, "elements that came as text").toBe(0);
}

async function noSideways(tab: Tab): Promise<void> {
  expect(await tab.page.evaluate<string[]>(SIDEWAYS)).toEqual([]);
}

/** Mallory, whose every field is hostile, and Alice, who looks. */
async function stage(site: Site, alice: Tab): Promise<Stage> {
  const mallory = await site.account("mallory", NAME);
  const made = await site.act(mallory.token, "channel.create", { name: "trap", topic: SCRIPTS[1] });
  expect(made.channel).toBeDefined();
  await alice.signUp("alice", { displayName: RTL_NAME });
  await alice.joinChannel("#trap");
  return { site, mallory, alice };
}

pageTest("messages, names and topics are never interpreted", async (world) => {
  const site = await world.site();
  const alice = await (await world.visitor(site)).open();
  const { mallory } = await stage(site, alice);
  for (const [i, text] of SCRIPTS.entries()) await site.post(mallory, "#trap", `s-${i} ${text}`);
  await alice.sees(`s-${SCRIPTS.length - 1} `);
  const raw = [0, 1, 2, 3, 4, 6, 7, 8] as const;
  for (const i of raw) expect(await alice.message(SCRIPTS[i]).count(), SCRIPTS[i]).toBe(1);
  await alice.main("Conversation #trap").getByText(SCRIPTS[1]).first().waitFor();
  for (const link of await alice.log.getByRole("link").all()) {
    expect(await link.getAttribute("href")).toMatch(/^(?:https?:|mailto:|#\/@mallory$)/);
  }
  await noElement(alice);

  await site.post(mallory, "@alice", SCRIPTS[0]);
  await alice.entry(NAME, "1 unread").waitFor();
  await noElement(alice);
  await alice.openConversation(NAME);
  await alice.sees(SCRIPTS[0]);
  await alice.composer.pressSequentially(SCRIPTS[0]);
  await alice.composer.press("Enter");
  await alice.sent(SCRIPTS[0]);
  await noElement(alice);
});

pageTest("lists, search, drafts, labels and notices are never interpreted", async (world) => {
  const site = await world.site();
  const visitor = await world.visitor(site);
  const alice = await visitor.open();
  const { mallory } = await stage(site, alice);
  await site.post(mallory, "#trap", `needle ${SCRIPTS[0]}`);
  await alice.sees("needle");

  await alice.press("Members", alice.main("Conversation #trap"));
  const members = alice.page.getByRole("complementary", { name: "Members" });
  await members.getByText(NAME).first().waitFor();
  await noElement(alice);

  await alice.press("Find people and channels", alice.sidebar);
  const finder = alice.dialog("Find people and channels");
  const finding = finder.getByRole("combobox", { name: "Name" });
  await finding.fill("mall*");
  await finder.getByRole("option", { name: /^@mallory/ }).waitFor();
  await noElement(alice);
  await finding.fill(SCRIPTS[0]);
  await alice.page.keyboard.press("Escape");

  await alice.composer.fill(SCRIPTS[1]);
  await alice.go(`#/search?q=${encodeURIComponent("needle")}`);
  const results = alice.main("Search").getByRole("list", { name: "Results" });
  await results.getByText("<img src=x").first().waitFor();
  await noElement(alice);
  await alice.main("Search").getByRole("searchbox").fill(SCRIPTS[0]);
  await alice.page.keyboard.press("Enter");
  await alice.go(`#/search?q=${encodeURIComponent(SCRIPTS[1])}`);
  await noElement(alice);
  await alice.go(`#/join/${encodeURIComponent(SCRIPTS[0])}`);
  await alice.go(`#/c/${encodeURIComponent(SCRIPTS[0])}`);
  await alice.go(`#/${encodeURIComponent(SCRIPTS[0])}`);
  await noElement(alice);

  const login = { name: "alice", password: "correct horse", label: SCRIPTS[0] };
  await site.act(null, "session.open", login);
  await alice.go("#/settings/sessions");
  await alice.main("Settings").getByText(SCRIPTS[0]).first().waitFor();
  await noElement(alice);
  await alice.go("#/settings/profile");
  await alice.main("Settings").waitFor();
  await alice.reload();
  await alice.isConnected();
  await alice.entry("#trap", "draft").waitFor();
  await noElement(alice);
});

pageTest("a name that is changed to a script while one looks is only a name", async (world) => {
  const site = await world.site();
  const alice = await (await world.visitor(site)).open();
  const { mallory } = await stage(site, alice);
  await site.post(mallory, "#trap", "hello");
  await alice.sees("hello");
  const displayName = `<svg/onload="window.__pwned='later'">`;
  await site.act(mallory.token, "account.update", { displayName });
  await alice.message("hello").filter({ hasText: displayName }).waitFor();
  await site.act(mallory.token, "channel.update", { in: "#trap", topic: SCRIPTS[2] });
  await alice.main("Conversation #trap").getByText(SCRIPTS[2]).first().waitFor();
  await noElement(alice);
});

pageTest("text of any shape stays within its bounds", async (world) => {
  const site = await world.site();
  const alice = await (await world.visitor(site, { viewport: NARROW })).open();
  const mallory = await site.account("mallory", "W".repeat(64));
  await site.act(mallory.token, "channel.create", {
    name: "x".repeat(32),
    topic: "T".repeat(250),
  });
  await alice.signUp("alice");
  await alice.go("#/");
  await alice.joinChannel(`#${"x".repeat(32)}`);
  for (const [i, text] of SHAPES.entries())
    await site.post(mallory, `#${"x".repeat(32)}`, `s-${i} ${text}`);
  await alice.reads(
    /\bs-\d+/g,
    SHAPES.map((_, i) => `s-${i}`),
  );
  await noSideways(alice);
  await site.post(mallory, "@alice", SHAPES[2]);
  await alice.go("#/");
  await alice.entry("W".repeat(64), "1 unread").waitFor();
  await noSideways(alice);
  await alice.openConversation("W".repeat(64));
  await alice.sees(SHAPES[2]);
  await noSideways(alice);
});
