/** Where the page begins: the state over the browser's own ports, the view over the state. */
import { render } from "preact";
import { App } from "./app.tsx";
import type { Beginning } from "./begin.ts";
import { keepPage } from "./keep-page.ts";
import { createApp } from "./state/app.ts";
import { browserPorts } from "./state/browser-ports.ts";

const { holdfastBegun } = globalThis as Beginning;
const app = createApp(browserPorts(holdfastBegun));
render(<App app={app} />, document.getElementById("app") as HTMLElement);
keepPage();
