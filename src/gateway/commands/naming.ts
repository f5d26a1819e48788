/** Names of accounts and channels: one holder each, decided where they are claimed. */
import { Refusal } from "../../core/errors.ts";
import type { FoldedName } from "../../core/names.ts";
import type { NameSpace } from "../../core/view.ts";
import type { PendingKey } from "../../replica/pending.ts";
import type { Services } from "../services.ts";

/** What a claim changes and what another claim of the name waits for. */
export const nameKey = (space: NameSpace, name: FoldedName): PendingKey => `name ${space} ${name}`;

/** Throws `name_taken` if somebody else claims the name. */
export function assertFree(
  { view }: Services,
  space: NameSpace,
  name: FoldedName,
  holder: string,
): void {
  const taken = view.claims(space, name).some((claim) => claim.holder !== holder);
  if (!taken) return;
  const what = space === "account" ? "an account" : "a channel";
  throw new Refusal("name_taken", `there is ${what} called ${name} already: choose another name`);
}
