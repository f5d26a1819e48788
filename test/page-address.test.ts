/**
 * Where the page comes from: over plain http from an address of the network, where browsers withhold what they
 * keep for secure contexts; and from this machine, where the page is kept and comes without its server.
 */
import { expect } from "bun:test";
import { networkInterfaces } from "node:os";
import { eventually } from "./browser/eventually.ts";
import { closeBrowserAfterAll, pageTest } from "./browser/page-test.ts";

closeBrowserAfterAll();

const COMPRESSED_BYTES_MAX = 100_000;
const WORDS = /m-\d+/g;

/** Adds an element to the page. */
const add = (name: string, properties: string) =>
  `document.body.append(Object.assign(document.createElement("${name}"), ${properties}));`;
/** What the policy of the page has to stop, and the directive that says so. */
const BREACHES = [
  ["require-trusted-types-for", add("script", '{ textContent: "__pwned = 1" }')],
  ["require-trusted-types-for", `document.body.innerHTML = "<img src=x onerror='__pwned = 2'>";`],
  ["script-src", add("iframe", '{ src: "javascript:parent.__pwned = 3" }')],
  ["script-src", `import("http://127.0.0.1:9/x.js").catch(() => {});`],
  ["style-src", add("style", '{ textContent: "a { color: red }" }')],
  ["connect-src", `fetch("http://127.0.0.1:9/").catch(() => {});`],
  ["connect-src", `new WebSocket("ws://127.0.0.1:9/");`],
  ["img-src", add("img", '{ src: "http://127.0.0.1:9/pixel.png" }')],
  ["frame-src", add("iframe", '{ src: "http://127.0.0.1:9/" }')],
  ["base-uri", add("base", '{ href: "http://127.0.0.1:9/" }')],
  [
    "form-action",
    `${add("form", '{ action: "http://127.0.0.1:9/" }')} [...document.forms].at(-1).submit();`,
  ],
] as const;

/** An address of this machine that is not its loopback: what is sent there stays here all the same. */
const lan = Object.values(networkInterfaces())
  .flat()
  .find((at) => at !== undefined && !at.internal && at.family === "IPv4")?.address;
const noLan = lan === undefined ? "this machine has no address but the loopback's" : null;

pageTest(
  "over plain http from the network: an account, messages, a reload, what waits",
  async (world) => {
    const site = await world.site({ host: lan as string });
    const visitor = await world.visitor(site);
    const alice = await visitor.open();
    expect(await alice.page.evaluate<boolean>("isSecureContext")).toBe(false);
    await alice.signUp("alice");
    await alice.createChannel("ops");
    await alice.send("m-1");
    await alice.sent("m-1");
    await alice.reload();
    await alice.isConnected();
    await alice.reads(WORDS, ["m-1"]);
    const second = await visitor.open();
    await second.openConversation("#ops");

    await site.kill();
    await alice.isNotConnected();
    await second.isNotConnected();
    await alice.send("m-2");
    await alice.sent("m-2", "Waiting to be sent");
    await second.sent("m-2", "Waiting to be sent");
    await second.send("m-3");
    await second.sent("m-3", "Waiting to be sent");
    await alice.close();
    await site.restart();
    await second.sent("m-3");
    await second.reads(WORDS, ["m-1", "m-2", "m-3"]);
    for (const cookie of await visitor.context.cookies(site.url)) {
      expect(cookie.httpOnly, cookie.name).toBe(true);
    }
    const { token } = await site.account("bob");
    expect(await site.texts(token, "#ops")).toEqual(["m-1", "m-2", "m-3"]);
    await second.go("#/settings/notifications");
    await second.main("Settings").waitFor();
    const own = second.page.getByRole("switch", { name: "Notifications of the browser" });
    expect(await own.isDisabled(), "there is no such thing here").toBe(true);
  },
  { skipped: noLan },
);

pageTest(
  "where the context is secure the page comes without its server, with what waits",
  async (world) => {
    const site = await world.site();
    const visitor = await world.visitor(site);
    const alice = await visitor.open();
    await alice.signUp("alice");
    await alice.createChannel("ops");
    await alice.send("m-1");
    await alice.sent("m-1");
    await alice.pageIsKept();
    await site.kill();
    await alice.isNotConnected();
    await alice.send("m-2");
    await alice.sent("m-2", "Waiting to be sent");
    await alice.reload();
    await alice.isNotConnected();
    await alice.reads(/m-2/g, ["m-2"]);
    await alice.sent("m-2", "Waiting to be sent");
    const second = await visitor.open();
    await second.isNotConnected();
    await site.restart();
    await alice.sent("m-2");
    await alice.reads(WORDS, ["m-1", "m-2"]);
  },
);

pageTest("the token is out of reach of any script", async (world) => {
  const site = await world.site();
  const tab = await (await world.visitor(site)).open();
  await tab.signUp("alice");
  await tab.createChannel("ops");
  await tab.send("m-1");
  await tab.sent("m-1");
  const reachable = await tab.page.evaluate<string>(
    "JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie])",
  );
  expect(reachable).not.toContain("hft_");
  const databases = await tab.page.evaluate<number>(
    "indexedDB.databases().then((all) => all.length)",
  );
  expect(databases, "whatever is kept there would have to be looked at, too").toBe(0);
});

pageTest("a first visit takes at most 100 kB of script and style, as served", async (world) => {
  const site = await world.site();
  const visitor = await world.visitor(site);
  const tab = await visitor.open("/manifest.webmanifest");
  const served: Promise<{ path: string; type: string; bytes: number }>[] = [];
  tab.page.on("requestfinished", (request) => {
    served.push(
      (async () => {
        const response = await request.response();
        const { responseBodySize } = await request.sizes();
        const type = (await response?.headerValue("content-type")) ?? "";
        return { path: new URL(request.url()).pathname, type, bytes: responseBodySize };
      })(),
    );
  });
  await tab.page.goto(site.url);
  await tab.signUp("alice");
  for (const place of ["#/settings/profile", "#/search?q=x", "#/guide"]) {
    await tab.go(place);
    await tab.page.getByRole("main").first().waitFor();
  }
  const assets = (await Promise.all(served)).filter(({ type }) => /javascript|css/.test(type));
  expect(assets.some(({ type }) => type.includes("css"))).toBe(true);
  expect(assets.some(({ type }) => type.includes("javascript"))).toBe(true);
  const bytes = assets.reduce((sum, asset) => sum + asset.bytes, 0);
  expect(bytes, JSON.stringify(assets)).toBeLessThanOrEqual(COMPRESSED_BYTES_MAX);
  expect(bytes).toBeGreaterThan(5_000);
  // What a browser takes over plain http from another machine: gzip, and the service worker is counted here, too.
  const paths = new Set([...assets.map(({ path }) => path), "/sw.js"]);
  for (const encoding of ["gzip", "br"]) {
    const sizes = [...paths].map(async (path) => {
      const headers = { "accept-encoding": encoding };
      const response = await fetch(new URL(path, site.url), { headers, decompress: false });
      expect(response.headers.get("content-encoding"), path).toBe(encoding);
      return (await response.arrayBuffer()).byteLength;
    });
    const sum = (await Promise.all(sizes)).reduce((all, size) => all + size, 0);
    expect(sum, encoding).toBeLessThanOrEqual(COMPRESSED_BYTES_MAX);
    expect(sum, encoding).toBeGreaterThan(5_000);
  }
});

pageTest(
  "the policy of the page allows no inline script, no eval and no other place",
  async (world) => {
    const site = await world.site();
    const response = await fetch(site.url);
    const policy = response.headers.get("content-security-policy") ?? "";
    expect(policy).toMatch(/default-src 'none'|default-src 'self'/);
    expect(policy).not.toMatch(/unsafe-inline|unsafe-eval|\*|http:/);
    expect(policy).toContain("frame-ancestors 'none'");
    const tab = await (await world.visitor(site)).open();
    await tab.page.getByRole("main").waitFor();
    for (const [directive, attempt] of BREACHES) {
      await tab.page.evaluate(`{ ${attempt} }`).catch(() => {}); // some throw as well
      const told = () => world.faults.join("\n");
      await eventually(attempt, told, (text) => text.includes(`the policy stopped ${directive}`));
      expect(told()).not.toContain("a script got in");
      world.faults.splice(0);
    }
    await tab.close(); // the console may still speak of the last one
    world.faults.splice(0);
  },
);
