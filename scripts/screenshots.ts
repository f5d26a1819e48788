/**
 * Takes the pictures: every view in light and wide, the ones that say most also dark and narrow, and those that
 * only come about by an event (a first start, a server that is away). Words as arguments choose among them.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { BrowserContextOptions } from "playwright-core";
import { PAINTED } from "../test/browser/in-page.ts";
import type { Tab } from "../test/browser/tab.ts";
import { type Team, team, VIEWER } from "../test/browser/team.ts";
import { closeDialogs, DOORS, MOMENTS, type Stop, VIEWS } from "../test/browser/tour.ts";
import { closeBrowser, NARROW, WIDE, World } from "../test/browser/world.ts";
import { Site as Cluster } from "../test/cluster-processes.ts";
import { cleanUp, holdfast } from "../test/server-process.ts";

const folder = join(import.meta.dir, "..", "screenshots");
const words = process.argv.slice(2);

const LOOKS = {
  "": { colorScheme: "light", viewport: WIDE },
  dark: { colorScheme: "dark", viewport: WIDE },
  narrow: {
    colorScheme: "light",
    viewport: NARROW,
    deviceScaleFactor: 2,
    isMobile: true,
    hasTouch: true,
  },
  "dark-narrow": {
    colorScheme: "dark",
    viewport: NARROW,
    deviceScaleFactor: 2,
    isMobile: true,
    hasTouch: true,
  },
} as const satisfies Record<string, BrowserContextOptions>;
type Look = keyof typeof LOOKS;
/** These in every look; the others in the first one. */
const IN_EVERY_LOOK = [
  "sign-in",
  "home",
  "conversation",
  "direct",
  "search",
  "settings profile",
  "finder",
];

function isWanted(file: string): boolean {
  return words.length === 0 || words.some((word) => file.includes(word));
}

function fileOf(view: string, look: Look): string {
  const name = [view.replaceAll(" ", "-"), look].filter((part) => part !== "").join("-");
  return `${name}.png`;
}

async function picture(tab: Tab, file: string): Promise<void> {
  if (!isWanted(file)) return;
  await tab.page.mouse.move(0, 0);
  await tab.page.evaluate(PAINTED);
  await tab.page.screenshot({ path: join(folder, file), animations: "disabled", caret: "hide" });
  console.log(file);
}

async function pictures(
  tab: Tab,
  stops: readonly Stop[],
  theTeam: Team,
  look: Look,
): Promise<void> {
  for (const stop of stops) {
    const { name, go } = stop;
    const file = fileOf(name, look);
    const isOne = IN_EVERY_LOOK.includes(name) || (look === "narrow" && MOMENTS.includes(stop));
    if (!isWanted(file) || (look !== "" && !isOne)) continue;
    await go(tab, theTeam);
    await picture(tab, file);
    await closeDialogs(tab);
  }
}

/** Somebody is about to answer. */
async function someoneTypes(theTeam: Team, tab: Tab): Promise<void> {
  const token = await theTeam.session("dee");
  await theTeam.site.call(token, "typing.set", { in: `@${VIEWER.name}` });
  await tab.typing.filter({ hasText: "typing" }).waitFor();
}

/** A message of one's own, with what is said about where it is stored. */
async function thank(tab: Tab, theTeam: Team): Promise<void> {
  await tab.go(`#/c/${theTeam.channel("ops")}`);
  await tab.sendByButton("Thank you all. I close the window for today.");
  await tab.sent("Thank you all");
}

async function everyView(world: World): Promise<void> {
  const theTeam = await team();
  for (const look of Object.keys(LOOKS) as Look[]) {
    const visitor = await world.visitor(theTeam.site, LOOKS[look]);
    const tab = await visitor.open();
    await pictures(tab, DOORS, theTeam, look);
    await tab.go("#/");
    await tab.signIn(VIEWER.name);
    if (look === "") await thank(tab, theTeam);
    await pictures(tab, [...VIEWS, ...MOMENTS], theTeam, look);
    if (look === "" && isWanted("typing.png")) {
      await tab.go("#/@dee");
      await tab.sees("the roof");
      await someoneTypes(theTeam, tab);
      await picture(tab, "typing.png");
    }
    await visitor.context.close();
  }
}

/** The server goes away while somebody writes. */
async function disconnected(world: World): Promise<void> {
  for (const look of ["", "dark-narrow"] as const) {
    const file = fileOf("disconnected", look);
    if (!isWanted(file)) continue;
    const theTeam = await team();
    const tab = await (await world.visitor(theTeam.site, LOOKS[look])).open();
    await tab.signIn(VIEWER.name);
    await tab.go(`#/c/${theTeam.channel("ops")}`);
    await tab.sees("eleven minutes");
    await theTeam.site.kill();
    await tab.isNotConnected();
    await tab.sendByButton("I unplug the old disks now.");
    await tab.sendByButton("If you read this later: everything went well.");
    await tab.sent("went well", "Waiting to be sent");
    await picture(tab, file);
  }
}

/** What the first person on a new server finds, who becomes its administrator, and what the next one does. */
async function firstMinute(world: World): Promise<void> {
  for (const look of ["", "narrow"] as const) {
    const files = ["first-start", "first-minute"].map((view) => fileOf(view, look));
    if (!files.some(isWanted)) continue;
    const site = await world.site();
    const open = async (path: string) => (await world.visitor(site, LOOKS[look])).open(path);
    const first = await open(await site.setupPath());
    await first.signUp(VIEWER.name, { displayName: VIEWER.displayName });
    await first.main("Getting started").waitFor();
    await picture(first, fileOf("first-start", look));
    const next = await open("/");
    await next.signUp("tomas", { displayName: "Tomás Novák" });
    await next.main("Getting started").waitFor();
    await picture(next, fileOf("first-minute", look));
  }
}

/** Three servers, of which one after the other dies: receipts, what may still fail, the cluster for admins. */
async function cluster(world: World): Promise<void> {
  for (const look of Object.keys(LOOKS) as Look[]) {
    const files = ["receipts", "servers", "servers-one-down", "servers-known"];
    if (!files.map((view) => fileOf(view, look)).some(isWanted)) continue;
    const servers = new Cluster();
    await servers.startAll(["a", "b", "c"]);
    const tab = await (await world.visitor({ url: servers.url("a") }, LOOKS[look])).open();
    await tab.signUp(VIEWER.name, { displayName: VIEWER.displayName });
    await holdfast(servers.folder, ["admin", "grant", VIEWER.name, "--data", servers.data("a")]);
    await tab.go("#/");
    await tab.createChannel("ops");
    await tab.sendByButton("All three racks are up and in sync.");
    await tab.sent("All three", "Stored on 3 of 3 servers");
    await tab.go("#/admin/servers");
    await tab.page.getByRole("listitem").filter({ hasText: "leader" }).first().waitFor();
    await tab.page.getByText("Last heard").first().waitFor();
    await picture(tab, fileOf("servers", look));
    await servers.kill("b");
    await tab.page.getByText("b is not in sync").waitFor();
    await picture(tab, fileOf("servers-one-down", look));
    await tab.go(`#/@${VIEWER.name}`);
    await tab.go("#/#ops");
    await tab.sendByButton("Rack b lost its power. We go on with two.");
    await tab.sent("Rack b", "Stored on 2 of 3 servers");
    await servers.kill("c");
    await tab.sendByButton("And there goes c. Who is at the fuse box?");
    await tab.sent("fuse box", "Stored on 1 of 3 servers");
    await picture(tab, fileOf("receipts", look));
    await servers.kill("a");
    await tab.page.getByText("This page's server is away").waitFor();
    await picture(tab, fileOf("servers-known", look));
  }
}

mkdirSync(folder, { recursive: true });
const world = new World();
try {
  for (const series of [everyView, disconnected, firstMinute, cluster]) {
    await Promise.race([series(world), world.broken]);
  }
} catch (error) {
  console.error(`what the pages showed: ${await world.photograph("screenshots")}`);
  throw error;
} finally {
  await cleanUp();
  await closeBrowser();
}
if (world.faults.length > 0) {
  console.error(`on the pages: ${world.faults.join("\n")}`);
  process.exitCode = 1;
}
