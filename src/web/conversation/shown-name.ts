/** What somebody is called in the page. */
export function shownName(who: { readonly name: string; readonly displayName?: string }): string {
  return who.displayName || who.name;
}

/** Characters that turn the direction of what follows: not in what is read aloud or shown in a title. */
const DIRECTIONS = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

export function withoutDirections(text: string): string {
  return text.replace(DIRECTIONS, "");
}
