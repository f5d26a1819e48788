/**
 * What a test of the page lives in: one browser for all tests of a file, a context for every person. It keeps
 * a list of what must never happen: a page that throws, logs an error, breaks its policy, or runs a script that
 * came as text.
 */
import { mkdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
} from "playwright-core";
import { browserFlags, findBrowser } from "../../scripts/browser.mjs";
import { atEnd } from "../server-process.ts";
import { WATCH } from "./in-page.ts";
import { Site, type SiteOptions } from "./site.ts";
import { Tab } from "./tab.ts";

/** Longest wait for something that has to appear. */
export const PATIENCE_MS = 15_000;
export const WIDE = { width: 1440, height: 900 };
export const NARROW = { width: 360, height: 740 };

const browserPath = lookForBrowser();
/** Why there is no browser here; null if there is one. */
export const noBrowser: string | null = "missing" in browserPath ? browserPath.missing : null;

function lookForBrowser(): ReturnType<typeof findBrowser> {
  const { HOLDFAST_NO_CHROMIUM: missing, HOLDFAST_CHROMIUM: path } = process.env;
  if (missing !== undefined) return { missing };
  return path !== undefined ? { path } : findBrowser();
}

let browser: Promise<Browser> | undefined;

/** Starts the browser; it is closed by whoever asks for it. */
export function launch(): Promise<Browser> {
  if ("missing" in browserPath) throw new Error(browserPath.missing);
  return chromium.launch({
    executablePath: browserPath.path,
    args: [...browserFlags],
    chromiumSandbox: process.getuid?.() !== 0,
  });
}

/** Somebody at a browser of their own, with as many tabs as they like. */
export class Visitor {
  readonly context: BrowserContext;
  readonly url: string;
  private readonly tell: (fault: string) => void;

  constructor(context: BrowserContext, url: string, tell: (fault: string) => void) {
    this.context = context;
    this.url = url;
    this.tell = tell;
  }

  /** A new tab, at this place of the site. */
  async open(path = "/"): Promise<Tab> {
    const page = await this.context.newPage();
    page.on("pageerror", (error) => this.tell(`uncaught: ${error.stack ?? error.message}`));
    page.on("console", (message) => {
      if (message.type() === "error" && !isOfNetwork(message.text())) {
        this.tell(`console: ${message.text()}`);
      }
    });
    page.on("dialog", (dialog) => {
      if (dialog.type() !== "beforeunload") this.tell(`${dialog.type()}: ${dialog.message()}`);
      dialog.accept().catch(() => {});
    });
    const tab = new Tab(page);
    await page.goto(new URL(path, this.url).href);
    return tab;
  }
}

/** Chromium writes these itself when a server is away, which is what many tests are about. */
function isOfNetwork(text: string): boolean {
  return /^Failed to load resource|^WebSocket connection to |net::ERR_/.test(text);
}

export class World {
  /** What must never happen, and did. */
  readonly faults: string[] = [];
  private readonly visitors: Visitor[] = [];
  private readonly uncaught = Promise.withResolvers<never>();
  /** Rejects when a page has thrown: there is nothing more to wait for. */
  readonly broken: Promise<never> = this.uncaught.promise;

  site(options: SiteOptions = {}): Promise<Site> {
    return Site.open(options);
  }

  async visitor(site: { url: string }, options: BrowserContextOptions = {}): Promise<Visitor> {
    browser ??= launch();
    const context = await (await browser).newContext({
      viewport: WIDE,
      reducedMotion: "reduce",
      locale: "en-GB",
      ...options,
    });
    context.setDefaultTimeout(PATIENCE_MS);
    await context.exposeBinding("__fault", (_, what) => this.tell(String(what)));
    await context.addInitScript({ content: WATCH });
    const visitor = new Visitor(context, site.url, (fault) => this.tell(fault));
    this.visitors.push(visitor);
    atEnd(() => context.close());
    return visitor;
  }

  private tell(fault: string): void {
    this.faults.push(fault);
    if (fault.startsWith("uncaught")) this.uncaught.reject(new Error(fault));
  }

  /** Somebody with an account of this name, signed in. */
  async person(site: Site, name: string, options: BrowserContextOptions = {}): Promise<Tab> {
    const tab = await (await this.visitor(site, options)).open();
    await tab.signUp(name);
    return tab;
  }

  /** Pictures of all open pages and what a screen reader would find there; the folder. */
  async photograph(name: string): Promise<string> {
    const folder = join(
      tmpdir(),
      "holdfast-page-failures",
      name.replaceAll(/\W+/g, "-").slice(0, 60),
    );
    mkdirSync(folder, { recursive: true });
    for (const [v, { context }] of this.visitors.entries()) {
      for (const [p, page] of context.pages().entries()) {
        const path = join(folder, `${v}-${p}`);
        await page.screenshot({ path: `${path}.png` }).catch(() => {});
        const tree = await page.ariaSnapshot({ mode: "ai" }).catch(String);
        await Bun.write(`${path}.txt`, `${page.url()}\n${tree}\n`);
      }
    }
    return folder;
  }
}

/** What all worlds of this process share. */
export async function closeBrowser(): Promise<void> {
  await (await browser)?.close();
  browser = undefined;
}
