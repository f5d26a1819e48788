/**
 * Runs before the page's script, and while that is fetched: shows the theme, so that nothing is ever painted in the
 * other one, and says the first words to the server (first-words.ts). A script of its own, because the policy allows
 * none in the HTML; a classic one, because those run at once.
 */
import { Begun, firstWords, keepsSession, ownServer, socketUrl } from "./state/first-words.ts";
import { showTheme, themeOf } from "./state/theme.ts";

/** What it leaves for the page's script. */
export type Beginning = { holdfastBegun?: Begun };

function begin(): void {
  const preferences = localStorage.getItem("holdfast-page/preferences");
  showTheme(themeOf(JSON.parse(preferences ?? "null")));
  if (!keepsSession(localStorage.getItem("holdfast/session"))) return;
  const url = socketUrl(ownServer(location));
  (globalThis as Beginning).holdfastBegun = new Begun(url, firstWords(location.hash), WebSocket);
}

try {
  begin();
} catch {
  // Storage is forbidden, or what it holds is nobody's: the page's script begins by itself.
}
