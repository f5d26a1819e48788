/**
 * The page over three servers of different origins: it came from one, and goes on at another when that one is
 * killed or freezes, with nothing lost, nothing twice, and its session's token out of every script's sight.
 */
import { expect } from "bun:test";
import { buildWeb } from "../scripts/build-web.mjs";
import { createClient } from "../src/client/index.ts";
import { eventually } from "./browser/eventually.ts";
import { closeBrowserAfterAll, pageTest } from "./browser/page-test.ts";
import type { Tab } from "./browser/tab.ts";
import type { World } from "./browser/world.ts";
import { Site } from "./cluster-processes.ts";
import { atEnd, holdfast } from "./server-process.ts";

closeBrowserAfterAll();

const NAMES = ["a", "b", "c"] as const;
/** Three servers are started, and some again, beside the browser. */
const LIMIT = { ms: 150_000 };
const WORDS = /[mw]-\d+/g;

type Scene = {
  readonly site: Site;
  readonly alice: Tab;
  /** Somebody at the other servers, past the browser. */
  readonly says: (text: string) => Promise<unknown>;
  /** Texts of what the page said and was told over its sockets. */
  readonly frames: string[];
};

/** Alice on the page of server a, by the cookie alone, as after any reload. */
async function scene(world: World, names: readonly string[] = NAMES): Promise<Scene> {
  if (buildWeb() !== 0) throw new Error("the page was not built");
  const site = new Site();
  await site.startAll(names);
  const alice = await (await world.visitor({ url: site.url("a") })).open();
  await alice.signUp("alice");
  await alice.createChannel("ops");
  const witness = createClient({ servers: names.slice(1).map((name) => site.url(name)) });
  atEnd(() => witness.close());
  await witness.signUp({ name: "witness", password: "correct horse" });
  await witness.call("channel.join", { in: "#ops" });
  await alice.pageIsKept();
  const frames: string[] = [];
  alice.page.on("websocket", (socket) => {
    for (const event of ["framesent", "framereceived"] as const) {
      socket.on(event as "framesent", ({ payload }) => frames.push(String(payload)));
    }
  });
  await alice.reload();
  await hasTicket(alice, frames);
  return { site, alice, says: (text) => witness.post("#ops", text), frames };
}

async function hasTicket(alice: Tab, frames: readonly string[]): Promise<void> {
  await alice.isConnected();
  await eventually(
    "the page to have a ticket",
    async () => frames.some((text) => text.includes('"hfk_')),
    (has) => has,
  );
}

/** Which server the page says that it is connected to. */
async function isAt({ alice }: Scene, ...names: readonly string[]): Promise<void> {
  await eventually(
    `the page to be at ${names.join(" or ")}`,
    async () =>
      /Connected to (\w+)/.exec(
        (await alice.connection.locator("..").getAttribute("title")) ?? "",
      )?.[1],
    (name) => name !== undefined && names.includes(name),
  );
}

pageTest(
  "[R3, R73] its server is killed, then the next one: the page goes on at the last, with every word once",
  async (world) => {
    const at = await scene(world);
    const { site, alice, says, frames } = at;
    await alice.send("m-1");
    await alice.sent("m-1", "Stored on 3 of 3 servers");
    await site.kill("a");
    await alice.send("m-2");
    await alice.sent("m-2", "Stored on 2 of 3 servers");
    await says("w-1");
    await alice.sees("w-1");
    await isAt(at, "b", "c");
    await site.kill("b");
    await alice.send("m-3");
    await alice.sent("m-3", "Stored on 1 of 3 servers");
    await isAt(at, "c");
    await says("w-2");
    await alice.reads(WORDS, ["m-1", "m-2", "w-1", "m-3", "w-2"]);
    await Promise.all([site.start("a"), site.start("b")]);
    await site.inSync(NAMES);
    await alice.send("m-4");
    await alice.sent("m-4", "Stored on 3 of 3 servers");
    await alice.reload();
    await alice.isConnected();
    await alice.reads(WORDS, ["m-1", "m-2", "w-1", "m-3", "w-2", "m-4"]);
    // The token itself was in none of it, and nothing of a ticket is kept.
    expect(frames.filter((text) => text.includes("hft_"))).toEqual([]);
    const kept = await alice.page.evaluate(
      "JSON.stringify({ ...localStorage, ...sessionStorage })",
    );
    expect(kept).not.toContain("hfk_");
    expect(kept).not.toContain("hft_");
  },
  LIMIT,
);

pageTest(
  "[R3, R73] a server joins while a page is open: a reload is offered, and then the page goes on there",
  async (world) => {
    const at = await scene(world, ["a", "b"]);
    const { site, alice, frames } = at;
    await alice.send("m-1");
    await alice.sent("m-1", "Stored on 2 of 2 servers");
    await alice.composer.fill("half a thought");
    await site.start("c", ["--peer", site.address("a")]);
    await site.inSync(NAMES);
    const notice = alice.page.getByRole("status").filter({ hasText: "The server c joined." });
    frames.splice(0);
    await alice.press("Reload", notice);
    await hasTicket(alice, frames);
    expect(await notice.count()).toBe(0);
    expect(await alice.composer.inputValue()).toBe("half a thought");
    await site.kill("a");
    await site.kill("b");
    await alice.send("m-2");
    await alice.sent("m-2", "Stored on 1 of 3 servers");
    await isAt(at, "c");
    await alice.reads(WORDS, ["m-1", "m-2"]);
  },
  LIMIT,
);

pageTest(
  "[R30] what was written where nobody heard it stands in its place later, and says that it came late",
  async (world) => {
    const { site, alice, says } = await scene(world, ["a", "b"]);
    await alice.page.goto("about:blank");
    await site.kill("a");
    await says("w-1");
    await site.kill("b");
    await site.start("a");
    await alice.page.goto(`${site.url("a")}/#/#ops`);
    await alice.send("m-1");
    await alice.sent("m-1", "Stored on 1 of 2 servers");
    await site.start("b");
    await alice.message("w-1").filter({ hasText: "arrived late" }).waitFor();
    await alice.reads(WORDS, ["w-1", "m-1"]);
    await alice.sent("m-1", "Stored on 2 of 2 servers");
    expect(await alice.message("m-1").filter({ hasText: "arrived late" }).count()).toBe(0);
  },
  LIMIT,
);

pageTest(
  "[R3, R64] its server freezes while a message is on its way: the message goes through at another",
  async (world) => {
    const at = await scene(world);
    const { site, alice, says } = at;
    await alice.send("m-1");
    await alice.sent("m-1", "Stored on 3 of 3 servers");
    site.process("a").child.kill("SIGSTOP");
    await alice.send("m-2");
    await alice.sent("m-2", "Stored on 2 of 3 servers");
    await says("w-1");
    await alice.reads(WORDS, ["m-1", "m-2", "w-1"]);
    await isAt(at, "b", "c");
    site.process("a").child.kill("SIGCONT");
    await site.inSync(NAMES);
    await alice.send("m-3");
    await alice.reads(WORDS, ["m-1", "m-2", "w-1", "m-3"]);
  },
  LIMIT,
);

const budget = (tab: Tab, words: string) =>
  tab.page
    .getByRole("status", { name: "Servers", exact: true })
    .filter({ hasText: words })
    .waitFor();

pageTest(
  "[R1, R74] each message says on how many servers it is, and the page how many more may fail; both grow again",
  async (world) => {
    const { site, alice } = await scene(world);
    await budget(alice, "2 more servers may fail");
    await site.kill("b");
    await budget(alice, "1 more server may fail");
    await alice.send("m-1");
    await alice.sent("m-1", "Stored on 2 of 3 servers");
    await site.kill("c");
    await budget(alice, "No more server may fail");
    await alice.send("m-2");
    await alice.sent("m-2", "Stored on 1 of 3 servers");
    await alice.message("m-2").getByText("1 of 3", { exact: true }).waitFor();
    await Promise.all([site.start("b"), site.start("c")]);
    await alice.sent("m-2", "Stored on 3 of 3 servers");
    await budget(alice, "2 more servers may fail");
  },
  LIMIT,
);

pageTest(
  "[R75] administrators see the cluster live: who is in sync, who leads, and why one is not",
  async (world) => {
    const at = await scene(world);
    const { site, alice } = at;
    await holdfast(site.folder, ["admin", "grant", "alice", "--data", site.data("a")]);
    await alice.choose("Account menu", "Administration");
    await alice.main("Administration").getByRole("link", { name: "Servers", exact: true }).click();
    const cluster = alice.page.getByRole("status", { name: "Cluster", exact: true });
    await cluster.filter({ hasText: "3 servers. 2 more servers may fail. Leader: a." }).waitFor();
    const card = (name: string) =>
      alice.page
        .getByRole("list", { name: "Servers", exact: true })
        .getByRole("listitem")
        .filter({ has: alice.page.getByRole("heading", { name: new RegExp(`^${name}\\b`) }) });
    for (const name of NAMES) {
      await card(name).filter({ hasText: "In sync" }).filter({ hasText: "Disk sync" }).waitFor();
    }
    const drawn = async (link: string, count: number) => {
      const lines = alice.page.locator(`.cluster-link[data-link="${link}"]`);
      await eventually(
        `${count} ${link} links`,
        () => lines.count(),
        (drawn) => drawn === count,
      );
    };
    await drawn("live", 3); // that of b and c, too
    await site.kill("c");
    await cluster.filter({ hasText: "c is not in sync." }).waitFor();
    await drawn("none", 2);
    await drawn("live", 1);
    await card("c").filter({ hasText: "Not in sync: " }).waitFor();
    await site.kill("a");
    await isAt(at, "b");
    await cluster.filter({ hasText: "No more server may fail. Leader: b." }).waitFor();
    await card("b").filter({ hasText: "you are here" }).waitFor();
  },
  LIMIT,
);

pageTest(
  "[R70, R73] reloaded while its server is dead, the kept page says so, and where else to go",
  async (world) => {
    const { site, alice } = await scene(world);
    await budget(alice, "2 more servers may fail");
    await site.kill("a");
    await alice.reload();
    const others = alice.page.getByText("This page's server is away.");
    await others.waitFor();
    await others.getByRole("link", { name: "b", exact: true }).click();
    await alice.signIn("alice");
    expect(new URL(alice.page.url()).host).toBe(site.address("b"));
    await alice.entry("#ops").waitFor();
  },
  LIMIT,
);

pageTest(
  "[R6, R73] a session that is ended elsewhere is over on the server that the page moved to",
  async (world) => {
    const at = await scene(world);
    const { site, alice } = at;
    await site.kill("a");
    await isAt(at, "b", "c");
    const owner = createClient({ servers: [site.url("c")] });
    atEnd(() => owner.close());
    await owner.signIn({ name: "alice", password: "correct horse" });
    const { sessions } = await owner.call("session.list", {});
    for (const { id, current } of sessions) {
      if (!current) await owner.call("session.revoke", { session: id });
    }
    await alice.main("Sign in").waitFor();
  },
  LIMIT,
);
