/**
 * The first administrator. Somebody has to begin, and whoever sees what the server prints is the one who
 * started it: while there is no administrator, the server prints a code with which an account is made that
 * is one.
 *
 * The code is computed from the cluster's secret and from how many accounts have ever been made or unmade an
 * administrator: all servers know the same code without storing it, and each is good for one first
 * administrator at the most. An old one in a log or a browser's history opens nothing when the last
 * administrator is gone.
 * Rejected: the first account as administrator (on an address that others can reach, they may be quicker).
 */
import { toBase32Hex, toBase64Url } from "../core/bytes.ts";
import { Refusal } from "../core/errors.ts";
import type { ReadView } from "../core/read-view.ts";
import type { PendingKey } from "../replica/pending.ts";
import { isAdmin } from "./accounts.ts";
import type { Services } from "./services.ts";

const PREFIX = "setup-";
/** 5 bits each. */
const CODE_CHARACTERS = 20;

/** What is changed by whatever makes or unmakes an administrator. */
export const ADMINS_KEY: PendingKey = "admins";

export function hasAdmin(view: ReadView): boolean {
  return view.everAdmins().some((account) => isAdmin(view.get("account", account)));
}

/** null while there is an administrator. */
export function setupCode({ view, derive }: Pick<Services, "view" | "derive">): string | null {
  if (hasAdmin(view)) return null;
  const text = toBase32Hex(derive(`setup ${view.everAdmins().length}`)).slice(0, CODE_CHARACTERS);
  return PREFIX + text.replace(/(.....)(?=.)/g, "$1-");
}

/** What an op says about a set-up code; null for a code of another kind. */
export function setupHash({ hash }: Pick<Services, "hash">, code: string): string | null {
  const written = code.trim().toLowerCase();
  if (!written.startsWith(PREFIX)) return null;
  return toBase64Url(hash.sha256(new TextEncoder().encode(written)));
}

/** Throws Refusal unless it is the hash of the code that is good now; guessing is throttled. */
export function demandSetup(services: Services, given: string, address: string): void {
  const code = setupCode(services);
  const good = code !== null && setupHash(services, code) === given;
  services.passwords.demandCode("set-up", address, good, () => {
    const what =
      code === null
        ? "there is an administrator already: ask for an invitation"
        : "this set-up code is wrong: the server prints the right one when it starts";
    return new Refusal("forbidden", what);
  });
}
