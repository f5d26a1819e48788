/**
 * Says when a server joined that this page cannot go to.
 *
 * Problem: the page's policy names the servers that there were when it was loaded, and no script can widen it. Approach:
 * the person is offered a reload; drafts and what waits to be sent outlive it. Rejected: reloading by itself, which
 * would end an edit or a dialog.
 */
import type { Alerts } from "./alerts.ts";

type Joined = { readonly name: string; readonly url: string };

export class JoinedServers {
  readonly #alerts: Alerts;
  readonly #reload: () => void;
  /** Addresses that were told of first, so near to the loading that the policy has them; and those said since. */
  #known: ReadonlySet<string> | undefined;

  constructor(alerts: Alerts, reload: () => void) {
    this.#alerts = alerts;
    this.#reload = reload;
  }

  /** All servers beside the page's own, as they are now. */
  heard(servers: readonly Joined[]): void {
    const known = this.#known;
    this.#known = new Set([...(known ?? []), ...servers.map(({ url }) => url)]);
    if (known === undefined) return;
    for (const { name, url } of servers) {
      if (known.has(url)) continue;
      this.#alerts.show({
        kind: "warn",
        text: `The server ${name} joined. Once reloaded, this page can go on there, too.`,
        action: { label: "Reload", run: this.#reload },
      });
    }
  }
}
