/**
 * What a person waits for who opens the page: from the start of the navigation until the first message is
 * painted, with nothing in the browser's cache, signed in, over loopback.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { buildWeb } from "../scripts/build-web.mjs";
import { Tab } from "../test/browser/tab.ts";
import { launch, noBrowser } from "../test/browser/world.ts";
import { newAccount, newId } from "./client.ts";
import { ServerProcess } from "./server.ts";

const MESSAGES = 200;

/** Runs before the page's script: when the frame with the first message was made, ms after the navigation. */
const NOTE = `window.__firstMessageMs = new Promise((resolve) => {
  new MutationObserver((_, observer) => {
    if (document.querySelector("[role=log] [role=article], [role=log] article") === null) return;
    observer.disconnect();
    requestAnimationFrame(() => setTimeout(() => resolve(performance.now())));
  }).observe(document, { childList: true, subtree: true });
});`;

export type PageFigures = {
  /** Of each run, ms. */
  readonly firstMessageMs: readonly number[];
  /** Script and style of a first visit as they were sent, bytes. */
  readonly compressedBytes: number;
};

/** null where there is no browser. */
export async function benchPage(runs: number): Promise<PageFigures | null> {
  if (noBrowser !== null) {
    console.error(`page: left out: ${noBrowser}`);
    return null;
  }
  if (buildWeb() !== 0) throw new Error("the page was not built");
  const folder = mkdtempSync(join(tmpdir(), "holdfast-bench-"));
  const server = await ServerProcess.start(join(folder, "data"));
  const browser = await launch();
  try {
    return await measure(server.url, browser, runs);
  } finally {
    await browser.close();
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function measure(url: string, browser: Browser, runs: number): Promise<PageFigures> {
  const writer = await newAccount(url, "writer");
  const made = await writer.client.call("channel.create", { name: "ops", id: newId() });
  const { id } = made.channel as { id: string };
  for (let i = 0; i < MESSAGES; i++) {
    const text = `message ${i}, of an ordinary length, with **some** \`marks\``;
    await writer.client.call("message.post", { to: id, text, id: newId() });
  }
  writer.client.close();
  const first = await browser.newContext();
  const reader = new Tab(await first.newPage());
  await reader.page.goto(url);
  await reader.signUp("reader");
  await reader.joinChannel("#ops");
  const storageState = await first.storageState();
  await first.close();
  const firstMessageMs: number[] = [];
  let compressedBytes = 0;
  for (let run = 0; run < runs; run++) {
    const context = await browser.newContext({ storageState });
    await context.addInitScript({ content: NOTE });
    const page = await context.newPage();
    await page.goto(`${url}/#/c/${id}`);
    firstMessageMs.push(await page.evaluate<number>("window.__firstMessageMs"));
    compressedBytes = await page.evaluate<number>(
      `performance.getEntriesByType("resource")
        .filter(({ name }) => /[.](js|css)$/.test(name))
        .reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0)`,
    );
    await context.close();
  }
  return { firstMessageMs, compressedBytes };
}
