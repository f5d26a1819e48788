/**
 * What has to hold in every view: nothing scrolls sideways, one pane on a narrow screen, and axe-core finds
 * nothing serious. Two of the four combinations of theme and width are enough to have each of them once.
 */
import { expect } from "bun:test";
import { accessibilityFindings } from "./browser/axe.ts";
import { eventually } from "./browser/eventually.ts";
import { SIDEWAYS } from "./browser/in-page.ts";
import { closeBrowserAfterAll, pageTest } from "./browser/page-test.ts";
import type { Tab } from "./browser/tab.ts";
import { type Team, team, VIEWER } from "./browser/team.ts";
import { closeDialogs, DOORS, MOMENTS, type Stop, VIEWS } from "./browser/tour.ts";
import { NARROW, WIDE } from "./browser/world.ts";
import { count, heavy } from "./heavy.ts";

closeBrowserAfterAll();

const COMBINATIONS = [
  { colorScheme: "light", viewport: WIDE, name: "light and wide" },
  { colorScheme: "dark", viewport: NARROW, name: "dark and narrow" },
  { colorScheme: "dark", viewport: WIDE, name: "dark and wide" },
  { colorScheme: "light", viewport: NARROW, name: "light and narrow" },
] as const;

async function examine(
  tab: Tab,
  stops: readonly Stop[],
  theTeam: Team,
  how: string,
): Promise<string[]> {
  const findings: string[] = [];
  for (const { name, go } of stops) {
    const view = `${name}, ${how}`;
    await go(tab, theTeam).catch((cause) => {
      throw new Error(`${view}: ${cause.message}`, { cause });
    });
    findings.push(...(await accessibilityFindings(tab, view)));
    const wide = await tab.page.evaluate<string[]>(SIDEWAYS);
    findings.push(...wide.map((what) => `${view}: ${what}`));
    const mains = await tab.page.getByRole("main").count();
    if (mains !== 1) findings.push(`${view}: ${mains} main landmarks`);
    const headings = await tab.page.getByRole("heading", { level: 1 }).count();
    const inDialog = (await tab.page.getByRole("dialog").count()) > 0;
    if (headings !== 1 && !inDialog) findings.push(`${view}: ${headings} first headings`);
    await closeDialogs(tab);
  }
  count("views examined", stops.length);
  return findings;
}

for (const { name, ...look } of COMBINATIONS.slice(0, heavy(2, 4))) {
  pageTest(
    `every view is in order: ${name}`,
    async (world) => {
      const theTeam = await team();
      const visitor = await world.visitor(theTeam.site, look);
      const door = await visitor.open();
      const findings = await examine(door, DOORS, theTeam, name);
      await door.go("#/");
      await door.signIn(VIEWER.name);
      findings.push(...(await examine(door, [...VIEWS, ...MOMENTS], theTeam, name)));
      expect(findings).toEqual([]);
    },
    { ms: 120_000 },
  );
}

pageTest("a narrow screen shows one pane at a time, and the way back", async (world) => {
  const { site, channel } = await team();
  const visitor = await world.visitor(site, { viewport: NARROW, hasTouch: true, isMobile: true });
  const tab = await visitor.open();
  await tab.signIn(VIEWER.name);
  await tab.entry("#ops").waitFor();
  expect(await tab.composer.isVisible()).toBe(false);
  await tab.openConversation("#ops");
  expect(await tab.sidebar.isVisible()).toBe(false);
  const composer = await tab.composer.boundingBox();
  const bottom = (composer?.y ?? 0) + (composer?.height ?? 0);
  expect(bottom, "the composer is in reach of a thumb").toBeGreaterThan(NARROW.height - 120);
  await tab.page.getByRole("link", { name: "Back to conversations" }).click();
  await tab.entry("#ops").waitFor();
  expect(await tab.composer.isVisible()).toBe(false);
  await tab.go("#/settings/profile");
  await tab.main("Settings").waitFor();
  expect(await tab.sidebar.isVisible()).toBe(false);
  await tab.page.getByRole("link", { name: "Back to conversations" }).click();
  await tab.entry("#ops").waitFor();
  await tab.go(`#/c/${channel("ops")}`);
  await tab.log.waitFor();
  await tab.page.goBack();
  await tab.entry("#ops").waitFor();
});

pageTest("a wide screen shows conversations, the conversation and its members", async (world) => {
  const { site, channel } = await team();
  const tab = await (await world.visitor(site, { viewport: WIDE })).open();
  await tab.signIn(VIEWER.name);
  await tab.go(`#/c/${channel("ops")}`);
  await tab.sees("eleven minutes");
  await tab.press("Members", tab.main("Conversation #ops"));
  await tab.page.getByRole("complementary", { name: "Members" }).waitFor();
  expect(await tab.sidebar.isVisible()).toBe(true);
  expect(await tab.composer.isVisible()).toBe(true);
});

/** Selectors of the rules that hold now and move something. */
const MOVING = `(() => {
  const moving = [];
  const look = (rules) => {
    for (const rule of rules) {
      if (rule instanceof CSSMediaRule && !matchMedia(rule.conditionText).matches) continue;
      if (rule.cssRules?.length > 0) look(rule.cssRules);
      const { animationDuration, transitionDuration, scrollBehavior } = rule.style ?? {};
      const lasts = [animationDuration, transitionDuration].some((time) => parseFloat(time) > 0);
      if (lasts || scrollBehavior === "smooth") moving.push(rule.selectorText);
    }
  };
  for (const sheet of document.styleSheets) look(sheet.cssRules);
  return moving;
})()`;

pageTest("nothing moves for who asked the system for that", async (world) => {
  const tab = await (await world.visitor(await world.site())).open();
  const moving = () => tab.page.evaluate<string[]>(MOVING);
  await tab.page.emulateMedia({ reducedMotion: "no-preference" });
  expect(await moving()).toContain(".spinner");
  await tab.page.emulateMedia({ reducedMotion: "reduce" });
  expect(await moving()).toEqual([]);
});

pageTest("the theme is the system's until one is chosen, and stays chosen", async (world) => {
  const site = await world.site();
  // Without a service worker, which would give the script out before it can be held back.
  const options = { colorScheme: "dark", serviceWorkers: "block" } as const;
  const tab = await (await world.visitor(site, options)).open();
  await tab.signUp("alice");
  const ground = () =>
    tab.page.evaluate<string>(
      "document.body === null ? '' : getComputedStyle(document.body).backgroundColor",
    );
  const becomes = (colour: string) => eventually("the theme", ground, (is) => is === colour);
  const dark = await ground();
  await tab.page.emulateMedia({ colorScheme: "light" });
  const light = await ground();
  expect(light).not.toBe(dark);
  await tab.go("#/settings/appearance");
  await tab.page.getByRole("radio", { name: "Dark", exact: true }).check();
  await becomes(dark);
  // Also before the page's script is there: nothing is painted in the other one.
  const script = /\/assets\/main-[^/]+\.js$/;
  const asked = tab.page.waitForRequest(script);
  const held = Promise.withResolvers<void>();
  await tab.page.route(script, (route) => held.promise.then(() => route.continue()));
  const reloaded = tab.reload();
  await asked;
  await becomes(dark);
  held.resolve();
  await reloaded;
  await tab.isConnected();
  await becomes(dark);
  await tab.page.getByRole("radio", { name: "System", exact: true }).check();
  await becomes(light);
});
