/** The name that signed in here last, so that nobody types it twice. Private windows may keep nothing. */

const KEY = "holdfast/last-name";

export function lastName(): string {
  try {
    return localStorage.getItem(KEY) ?? "";
  } catch {
    return "";
  }
}

export function keepLastName(name: string): void {
  try {
    localStorage.setItem(KEY, name);
  } catch {
    // it is typed again next time
  }
}
