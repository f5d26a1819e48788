/**
 * Lets the service worker keep the page where the browser has one: in a secure context, which plain http on
 * a LAN address is not. There the page works all the same, but for a reload while its server is away.
 */

/** The only address that this page ever makes a script from; the server's policy allows this one name. */
const POLICY = "holdfast-worker";
const WORKER = "/sw.js";

type TrustedTypes = {
  createPolicy(
    name: string,
    rules: { createScriptURL(url: string): string },
  ): {
    createScriptURL(url: string): unknown;
  };
};

function workerUrl(): string {
  const { trustedTypes } = globalThis as { trustedTypes?: TrustedTypes };
  if (trustedTypes === undefined) return WORKER;
  const policy = trustedTypes.createPolicy(POLICY, { createScriptURL: () => WORKER });
  return policy.createScriptURL(WORKER) as string;
}

/** Once per load, after the page is shown: what it keeps is for the next one. */
export function keepPage(): void {
  if (!("serviceWorker" in navigator)) return;
  const register = (): void => {
    navigator.serviceWorker
      .register(workerUrl(), { scope: "/", updateViaCache: "none" })
      .catch(() => {}); // private windows and settings refuse it; the page does without
  };
  if (document.readyState === "complete") register();
  else addEventListener("load", register, { once: true });
}
