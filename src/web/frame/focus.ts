/**
 * Where the focus goes when the view changes, so that it is never lost.
 *
 * Problem: what had the focus goes away with its view, and the browser then starts again at the top of the page.
 * Approach: after a change the frame asks for a sensible place: what the view marks by `data-view-focus`, on a
 * keyboard's screen the composer, otherwise the view's heading. A view that took the focus itself is left alone.
 */

const COARSE = "(pointer: coarse)";

/** Focuses the view; on touch screens its heading, because a field would bring up the keyboard. */
export function focusMain(): void {
  const main = document.querySelector<HTMLElement>("main");
  const field = matchMedia(COARSE).matches
    ? null
    : (main?.querySelector<HTMLElement>("[data-view-focus]") ??
      main?.querySelector<HTMLElement>("form textarea:not(:disabled)"));
  const target = field ?? main?.querySelector<HTMLElement>("h1") ?? main;
  if (target === null || target === undefined) return;
  if (target.tabIndex < 0 && !target.hasAttribute("tabindex")) target.tabIndex = -1;
  target.focus();
}

/** After the view changed: unless the view took the focus itself, or a dialog or menu has it. */
export function focusNewMain(): void {
  if (document.activeElement?.closest("main, dialog, [role='menu']") == null) focusMain();
}

/** After something that had the focus went away. */
export function focusMainIfLost(): void {
  if (document.activeElement === null || document.activeElement === document.body) focusMain();
}

/** A conversation's row if there is one, else the row of the open one, the first, or the first thing there is. */
export function focusSidebar(conversationId?: string): void {
  const sidebar = document.querySelector<HTMLElement>("nav.sidebar");
  const rows = [...(sidebar?.querySelectorAll<HTMLElement>(".convos a") ?? [])];
  const target =
    rows.find(({ dataset }) => dataset.conversation === conversationId) ??
    sidebar?.querySelector<HTMLElement>("a[aria-current='page']") ??
    sidebar?.querySelector<HTMLElement>(".convos a[tabindex='0'], .convos a") ??
    sidebar?.querySelector<HTMLElement>("button, a");
  target?.focus();
}

/** To the next pane (1) or the one before (-1): sidebar, view, and what stands beside the view. */
export function focusNextPane(step: 1 | -1): void {
  const panes = [...document.querySelectorAll<HTMLElement>("nav.sidebar, main, main aside")].filter(
    (pane) => pane.checkVisibility({ visibilityProperty: true }),
  );
  const active = document.activeElement;
  const at = panes.findLastIndex((pane) => pane.contains(active));
  const next = panes[(at + step + panes.length) % panes.length];
  if (next?.localName === "nav") focusSidebar();
  else if (next?.localName === "main") focusMain();
  else next?.querySelector<HTMLElement>("button, a, [tabindex='0']")?.focus();
}
