/**
 * The service worker: keeps the page, so that a reload works while its server is away. It keeps nothing
 * that anybody wrote, and never answers for the server: what is under /v1 does not pass through here.
 *
 * The page itself is asked from the server first, because its Content-Security-Policy names the servers
 * that it may talk to; only a server that does not answer in time is stood in for. Scripts and styles have
 * names that change with them and come from what is kept.
 * Rejected: answering with the kept page at once and looking for a newer one behind it. Everybody would
 * be one version late, and a page that needs mending could not be mended by the next reload.
 */

/** Filled in by scripts/build-web.ts. */
declare const PAGE_STAMP: string;
declare const PAGE_PATHS: readonly string[];

/** What is used of a worker's world; the library that describes it does not go with the DOM's. */
type Lasting = { waitUntil(work: Promise<unknown>): void };
type FetchAsked = { readonly request: Request; respondWith(answer: Promise<Response>): void };
type Pressed = Lasting & { readonly notification: { readonly tag: string; close(): void } };
type Window = { focus(): Promise<unknown>; postMessage(message: object): void };
type Worker = {
  addEventListener(name: "install" | "activate", act: (event: Lasting) => void): void;
  addEventListener(name: "fetch", act: (event: FetchAsked) => void): void;
  addEventListener(name: "notificationclick", act: (event: Pressed) => void): void;
  skipWaiting(): Promise<void>;
  readonly clients: {
    claim(): Promise<void>;
    matchAll(wanted: { type: "window" }): Promise<readonly Window[]>;
    openWindow(url: string): Promise<unknown>;
  };
};
const worker = globalThis as unknown as Worker;

const PREFIX = "holdfast-page-";
const CACHE = PREFIX + PAGE_STAMP;
const PAGE_WAIT_MS = 2_000;
const paths = new Set(PAGE_PATHS.filter((path) => path !== "/"));

worker.addEventListener("install", (event) => {
  const keep = async (): Promise<void> => {
    const cache = await caches.open(CACHE);
    const wanted = { cache: "no-cache", headers: { accept: "text/html, */*" } } as const;
    await cache.addAll(PAGE_PATHS.map((path) => new Request(path, wanted)));
    await worker.skipWaiting();
  };
  event.waitUntil(keep());
});

worker.addEventListener("activate", (event) => {
  const settle = async (): Promise<void> => {
    const older = (await caches.keys()).filter((name) => name.startsWith(PREFIX) && name !== CACHE);
    // The last one stays: a page that is just being loaded may still ask for its script.
    await Promise.all(older.slice(0, -1).map((name) => caches.delete(name)));
    await worker.clients.claim();
  };
  event.waitUntil(settle());
});

worker.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== location.origin) return;
  if (url.pathname === "/" && request.mode === "navigate") event.respondWith(page(request));
  else if (url.pathname.startsWith("/assets/") || paths.has(url.pathname)) {
    event.respondWith(keptOrAsked(request));
  }
});

worker.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(goTo(event.notification.tag));
});

/** To the page that is there, or a new one. A notification's tag is its conversation (browser-notifier.ts). */
async function goTo(conversation: string): Promise<void> {
  const [page] = await worker.clients.matchAll({ type: "window" });
  if (page === undefined) {
    await worker.clients.openWindow(`/#/c/${encodeURIComponent(conversation)}`);
    return;
  }
  page.postMessage({ pressed: conversation });
  await page.focus().catch(() => {}); // not every browser lets it
}

/** The server's page, or the kept one if it is away or so ill that it has none. */
async function page(request: Request): Promise<Response> {
  const cache = await caches.open(CACHE);
  const kept = await cache.match("/", { ignoreVary: true });
  if (kept === undefined) return fetch(request);
  const asked = fetch(request).catch(() => null);
  const late = new Promise<null>((resolve) => setTimeout(() => resolve(null), PAGE_WAIT_MS));
  const answer = await Promise.race([asked, late]);
  if (answer === null || answer.status >= 500) return kept;
  // The same page, and its policy may name other servers by now. A newer page goes with newer scripts, which
  // the worker that comes with it keeps.
  if (answer.ok && answer.headers.get("etag") === kept.headers.get("etag")) {
    await cache.put("/", answer.clone());
  }
  return answer;
}

async function keptOrAsked(request: Request): Promise<Response> {
  const cache = await caches.open(CACHE);
  const any = { ignoreVary: true };
  const kept = (await cache.match(request, any)) ?? (await caches.match(request, any));
  return kept ?? fetch(request);
}
