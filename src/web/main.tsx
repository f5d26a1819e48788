/** Where the page begins: the state over the browser's own ports, the view over the state. */
import { render } from "preact";
import { App } from "./app.tsx";
import type { Beginning } from "./begin.ts";
import { keepPage } from "./keep-page.ts";
import { readyTimes } from "./parts/time.tsx";
import { createApp } from "./state/app.ts";
import { browserPorts } from "./state/browser-ports.ts";
import { firstLook } from "./state/first-look.ts";

/** So long the first drawing waits for answers that are on their way. */
const ANSWERS_MS = 150;

const { holdfastBegun: begun } = globalThis as Beginning;
const app = createApp(browserPorts(begun));

function show(): void {
  render(<App app={app} />, document.getElementById("app") as HTMLElement);
  keepPage();
}

if (begun === undefined) {
  show();
} else {
  void firstLook(app, ANSWERS_MS).then(show);
  readyTimes();
}
