/**
 * What tests run within the page, as text: the one place that speaks of the DOM. Everything else is found by
 * role and name. Text, because this program is checked without the browser's types.
 */

/** Runs before the page's own script, in every document: tells of everything that must never happen. */
export const WATCH = `
addEventListener("securitypolicyviolation", (event) => {
  __fault("the policy stopped " + event.violatedDirective + " " + event.blockedURI);
});
Object.defineProperty(window, "__pwned", {
  set(how) { __fault("a script got in: " + how); },
});
`;

/** How far the document, and anything in it that does not scroll by itself, reaches beyond the right edge, px. */
export const SIDEWAYS = `(() => {
  const width = document.documentElement.clientWidth;
  const found = [];
  if (document.scrollingElement.scrollWidth > width) {
    found.push("the document is " + document.scrollingElement.scrollWidth + " wide");
  }
  const describe = (element) =>
    element.tagName.toLowerCase() + "." + element.className + " " + (element.textContent ?? "").trim().slice(0, 40);
  for (const element of document.querySelectorAll("body *")) {
    const style = getComputedStyle(element);
    if (style.visibility === "hidden" || style.position === "fixed") continue;
    const box = element.getBoundingClientRect();
    if (box.width <= 1 || box.height <= 1) continue;
    if (/auto|scroll/.test(style.overflowX) && element.scrollWidth > element.clientWidth + 1) {
      if (element.tagName !== "PRE" && element.tagName !== "CODE") {
        found.push(describe(element) + " scrolls sideways: " + element.scrollWidth + " in " + element.clientWidth);
      }
    }
    let clipped = false;
    for (let up = element.parentElement; up !== null; up = up.parentElement) {
      if (getComputedStyle(up).overflowX !== "visible") clipped = true;
    }
    if (!clipped && box.right > width + 1) found.push(describe(element) + " ends at " + Math.round(box.right));
  }
  return found;
})()`;

/**
 * After each step of the keyboard: whether what had the focus before looks different now. Answers the name of
 * what did not, or null. Elements that are gone or hidden cannot be compared; a heading has the focus only for
 * readers, which go on from there.
 */
export const FOCUS_TRACE = `(() => {
  const look = (element) => {
    const looks = [];
    let at = element;
    for (let up = 0; up < 4 && at !== null; up++, at = at.parentElement) {
      const s = getComputedStyle(at);
      looks.push([s.outlineStyle, s.outlineWidth, s.outlineColor, s.boxShadow, s.backgroundColor,
        s.borderColor, s.textDecorationLine].join("|"));
    }
    return looks.join("\\n");
  };
  const before = window.__focusTrace;
  const now = document.activeElement;
  window.__focusTrace = now === null || now === document.body ? undefined : { element: now, looks: look(now) };
  if (before === undefined || before.element === now || !before.element.isConnected) return null;
  if (!before.element.checkVisibility() || before.element.tagName === "H1") return null;
  if (look(before.element) !== before.looks) return null;
  return before.element.outerHTML.slice(0, 200);
})()`;

/** Whether anything has the focus, other than the page as a whole. */
export const HAS_FOCUS = `(() => {
  const { activeElement: at } = document;
  return at !== null && at !== document.body && at !== document.documentElement;
})()`;

/** Resolves when the browser has painted what is there now. */
export const PAINTED = `new Promise((resolve) => {
  requestAnimationFrame(() => requestAnimationFrame(() => resolve(true)));
})`;

/**
 * Watches, frame by frame, how far the messages in sight move by themselves; `__drift` is the most that any
 * has moved, in px, and Infinity if nothing that was in sight still is. Begins anew with each call. Their ends
 * are measured: the first one may lose its head, when what comes above it is by the same author.
 */
export const WATCH_DRIFT = `(() => {
  const log = document.querySelector("[role=log]");
  const look = () => {
    const frame = log.getBoundingClientRect();
    const places = new Map();
    for (const article of log.querySelectorAll("[role=article], article")) {
      const box = article.getBoundingClientRect();
      if (box.bottom > frame.top && box.top < frame.bottom) {
        const word = /h[0-9]{6}/.exec(article.textContent)?.[0];
        if (word !== undefined) places.set(word, box.bottom);
      }
    }
    return places;
  };
  const turn = (window.__driftTurn = (window.__driftTurn ?? 0) + 1);
  window.__drift = 0;
  const first = look();
  const step = () => {
    if (window.__driftTurn !== turn) return;
    const now = look();
    const moves = [...now].filter(([word]) => first.has(word)).map(([word, y]) => Math.abs(y - first.get(word)));
    window.__drift = Math.max(window.__drift, moves.length === 0 ? Infinity : Math.max(...moves));
    requestAnimationFrame(step);
  };
  requestAnimationFrame(step);
  return first.size;
})()`;

export const DRIFT = "window.__drift";
