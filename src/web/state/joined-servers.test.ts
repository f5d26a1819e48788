import { expect, test } from "bun:test";
import { realClock } from "../../client/ports.ts";
import { ToastAlerts } from "./alerts.ts";
import { JoinedServers } from "./joined-servers.ts";

const [b, c, d] = ["b", "c", "d"].map((name) => ({ name, url: `http://${name}.example:7300/` }));
type Entry = { name: string; url: string };

function scene() {
  const alerts = new ToastAlerts(realClock);
  let reloads = 0;
  const joined = new JoinedServers(alerts, () => reloads++);
  const hear = (...servers: (Entry | undefined)[]) => joined.heard(servers as Entry[]);
  return {
    alerts,
    hear,
    texts: () => alerts.toasts.value.map(({ text }) => text),
    reloads: () => reloads,
  };
}

test("a server that joined after the page was loaded is said once, with a way to reload", () => {
  const { alerts, hear, texts, reloads } = scene();
  hear(b);
  hear(b, c);
  hear(b, c);
  expect(texts()).toEqual(["The server c joined. Once reloaded, this page can go on there, too."]);
  alerts.toasts.value[0]?.action?.run();
  expect(reloads()).toBe(1);
  alerts.dismiss(alerts.toasts.value[0]?.id ?? 0);
  hear(b, c, d);
  expect(texts()).toEqual([expect.stringContaining("server d")]);
});

test("nothing is said of those that were there, went, or came back", () => {
  const { hear, texts } = scene();
  hear(b, c);
  hear(b);
  hear();
  hear(c, b);
  expect(texts()).toEqual([]);
});
