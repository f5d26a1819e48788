/**
 * Who shows which name. Each account or channel claims the name in its register; the earliest claim shows
 * the bare name, every later one the name with a suffix that no name can contain (`bob~3f`). A function of
 * the set of claims alone, so it comes out the same on every server.
 */
import { compareText } from "../core/bytes.ts";
import { type FoldedName, SUFFIX_MARK } from "../core/names.ts";
import type { FoldView, NameClaim, NameSpace } from "../core/view.ts";

const SUFFIX_LENGTH_MIN = 2;

function suffixSource(view: FoldView, holder: string): string {
  const bytes = view.hash.sha256(new TextEncoder().encode(holder));
  let text = "";
  for (const byte of bytes.subarray(0, 16)) text += byte.toString(16).padStart(2, "0");
  return text;
}

/** The shown name of every claim, by holder. */
export function shownNames(
  view: FoldView,
  name: FoldedName,
  claims: readonly NameClaim[],
): Map<string, string> {
  const ordered = [...claims].sort(
    (a, b) => compareText(a.at, b.at) || compareText(a.holder, b.holder),
  );
  const shown = new Map<string, string>();
  const used = new Set<string>();
  ordered.forEach((claim, index) => {
    if (index === 0) {
      shown.set(claim.holder, name);
      return;
    }
    const source = suffixSource(view, claim.holder);
    let length = SUFFIX_LENGTH_MIN;
    while (used.has(source.slice(0, length))) length++;
    used.add(source.slice(0, length));
    shown.set(claim.holder, name + SUFFIX_MARK + source.slice(0, length));
  });
  return shown;
}

/** Moves a claim and lets everybody concerned show what they now should. */
export function claimName(
  view: FoldView,
  space: NameSpace,
  holder: string,
  before: FoldedName | null,
  after: { name: FoldedName; at: NameClaim["at"] } | null,
): void {
  if (before !== null && before !== after?.name) {
    view.setClaim(space, before, holder, null);
    reshow(view, space, before);
  }
  if (after === null) {
    view.show(space, holder, null);
    return;
  }
  view.setClaim(space, after.name, holder, after.at);
  reshow(view, space, after.name);
}

function reshow(view: FoldView, space: NameSpace, name: FoldedName): void {
  const claims = view.claims(space, name);
  for (const [holder, shown] of shownNames(view, name, claims)) view.show(space, holder, shown);
}
