/**
 * A person who has a keyboard and nothing else. Every key is followed by a look at what has the focus: it must
 * be somewhere, and it must show.
 */

import { eventually } from "./eventually.ts";
import { FOCUS_TRACE, HAS_FOCUS } from "./in-page.ts";
import type { Tab } from "./tab.ts";

/** More stops than any view has: from one to the next in a circle. */
const STOPS_MAX = 80;
const FOCUS_PATIENCE_MS = 3_000;

type Stop = { readonly role: string; readonly name: string };
/** A line of the tree, which is YAML: quoted as a whole where the name holds a mark. */
const STOP = /^\s*- '?(\w+)(?: ("(?:[^"\\]|\\.)*"))?/;

export class Keyboard {
  /** Elements whose focus could not be seen. */
  readonly unseen: string[] = [];
  private readonly tab: Tab;

  constructor(tab: Tab) {
    this.tab = tab;
  }

  async press(key: string): Promise<void> {
    const { page } = this.tab;
    await page.keyboard.press(key);
    const hasFocus = () => page.evaluate<boolean>(HAS_FOCUS);
    // Behind the last stop of a page comes the browser itself, and then the first one again.
    if (key.endsWith("Tab") && !(await hasFocus())) await page.keyboard.press(key);
    await eventually(`a focus after ${key}`, hasFocus, (has) => has, FOCUS_PATIENCE_MS);
    const trace = await page.evaluate<string | null>(FOCUS_TRACE);
    if (trace !== null) this.unseen.push(trace);
  }

  async type(text: string): Promise<void> {
    await this.tab.page.keyboard.type(text);
  }

  /** What has the focus, as a screen reader names it. */
  async focus(): Promise<Stop> {
    const tree = await this.tab.page.ariaSnapshot({ mode: "ai" });
    const line = tree.split("\n").find((text) => text.includes("[active]")) ?? "";
    const [, role = "nothing", name = '""'] = STOP.exec(line) ?? [];
    return { role, name: JSON.parse(name) as string };
  }

  /** Goes on with this key until that has the focus; throws with all stops on the way. */
  async walkTo(role: string, name: string | RegExp, key = "Tab"): Promise<void> {
    const passed: string[] = [];
    for (let stop = 0; stop < STOPS_MAX; stop++) {
      const at = await this.focus();
      const isNamed = typeof name === "string" ? at.name === name : name.test(at.name);
      if (at.role === role && isNamed) return;
      passed.push(`${at.role} ${JSON.stringify(at.name)}`);
      await this.press(key);
    }
    throw new Error(`${key} never comes to ${role} ${name}: ${passed.join(" > ")}`);
  }

  /** Goes there and presses it. */
  async take(role: string, name: string | RegExp, key = "Enter"): Promise<void> {
    await this.walkTo(role, name);
    await this.press(key);
  }
}
