/** The ports, in a browser. What a browser or an insecure context does not have is left out here, quietly. */
import { realClock, webLock } from "../../client/index.ts";
import { begunFirst } from "./begun-socket.ts";
import { browserNotifier } from "./browser-notifier.ts";
import { deviceLabel } from "./device-label.ts";
import { type Begun, ownServer } from "./first-words.ts";
import { memoryWebStorage } from "./memory-web-storage.ts";
import type { Address, PageStorage, Ports } from "./ports.ts";

/** `begun`: the connection that begin.ts made, if it did. */
export function browserPorts(begun: Begun | undefined): Ports {
  const base = ownServer(location);
  return {
    servers: [base],
    storage: pageStorage(),
    lock: webLock("holdfast-outbox"),
    address: address(),
    attention: {
      has: () => document.visibilityState === "visible" && document.hasFocus(),
      onChange: (run) => {
        const ends = [
          listen(document, "visibilitychange", run),
          listen(window, "focus", run),
          listen(window, "blur", run),
        ];
        return () => {
          for (const end of ends) end();
        };
      },
    },
    network: {
      isOffline: () => navigator.onLine === false,
      onChange: (run) => {
        const ends = [listen(window, "online", run), listen(window, "offline", run)];
        return () => {
          for (const end of ends) end();
        };
      },
    },
    notifier: browserNotifier(),
    reload: () => location.reload(),
    days: {
      startOf: (ms) => new Date(ms).setHours(0, 0, 0, 0),
      endOf: (ms) => new Date(ms).setHours(24, 0, 0, 0),
    },
    clock: realClock,
    fetch: (path, init) => fetch(base + path, { ...init, credentials: "same-origin" }),
    deviceLabel: deviceLabel(navigator.userAgent),
    WebSocket: begunFirst(begun, WebSocket),
    setTitle: (title) => {
      document.title = title;
    },
    // Mobile browsers may end a hidden page without a further word.
    onLeave: (run) => {
      const ends = [
        listen(window, "pagehide", run),
        listen(document, "visibilitychange", () => {
          if (document.visibilityState === "hidden") run();
        }),
      ];
      return () => {
        for (const end of ends) end();
      };
    },
  };
}

function listen<E extends Event>(
  target: EventTarget,
  type: string,
  run: (event: E) => void,
): () => void {
  const heard = (event: Event) => run(event as E);
  target.addEventListener(type, heard);
  return () => target.removeEventListener(type, heard);
}

/** `localStorage`, unless the browser forbids it: asking for it may throw already. */
function pageStorage(): PageStorage {
  const storage = lastingStorage();
  if (storage === undefined) return { ...memoryWebStorage(), lasts: false, watch: () => () => {} };
  return {
    lasts: true,
    get length() {
      return storage.length;
    },
    key: (index) => storage.key(index),
    getItem: (key) => storage.getItem(key),
    setItem: (key, value) => storage.setItem(key, value),
    removeItem: (key) => storage.removeItem(key),
    watch: (changed) =>
      listen<StorageEvent>(window, "storage", (event) => {
        if (event.storageArea === storage) changed(event.key, event.newValue);
      }),
  };
}

function lastingStorage(): Storage | undefined {
  try {
    const storage = window.localStorage;
    storage.getItem("holdfast-page/preferences");
    return storage;
  } catch {
    return undefined;
  }
}

function address(): Address {
  const depthOf = () => {
    const depth = (history.state as { depth?: unknown } | null)?.depth;
    return typeof depth === "number" ? depth : undefined;
  };
  let latest = depthOf() ?? 0;
  return {
    hash: () => location.hash,
    depth: () => depthOf() ?? latest,
    push(hash, depth) {
      latest = depth;
      history.pushState({ depth }, "", hash);
    },
    replace(hash, depth) {
      latest = depth;
      history.replaceState({ depth }, "", hash);
    },
    back: () => history.back(),
    onChange: (run) =>
      listen(window, "popstate", () => {
        // A link of the page was followed: it is one deeper than where it stood.
        if (depthOf() === undefined) history.replaceState({ depth: latest + 1 }, "");
        latest = depthOf() ?? 0;
        run();
      }),
  };
}
