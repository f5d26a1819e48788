/**
 * What the composer suggests while somebody types: at once what is known here, then what the server finds.
 */
import { useEffect, useState } from "preact/hooks";
import type { Channel, ListedAccount } from "../../client/index.ts";
import { useApp } from "../parts/use.ts";
import type { App } from "../state/app.ts";
import type { ConversationState } from "../state/conversations.ts";
import { commandSuggestions, ranked, type Suggestion, type Wanted } from "./completion.ts";

const ASK_AFTER_MS = 120;

export type Found = {
  readonly is: Wanted["is"];
  readonly query: string;
  readonly all: readonly Suggestion[];
};

/** Best first; empty while nothing is wanted. */
export function useSuggestions(
  wanted: Wanted | undefined,
  conversation: ConversationState,
): readonly Suggestion[] {
  const app = useApp();
  const [found, setFound] = useState<Found | undefined>(undefined);
  const is = wanted?.is;
  const query = wanted?.query ?? "";
  useEffect(() => {
    if (is === undefined || is === "command") return;
    let isOver = false;
    const ask = async () => {
      try {
        const { people, channels } = await app.people.find((is === "person" ? "@" : "#") + query);
        const all = is === "person" ? people.map(ofAccount(app)) : channels.map(ofChannel);
        if (!isOver) setFound({ is, query, all });
      } catch {
        // Without a connection there is what is known here.
      }
    };
    const timer = setTimeout(() => void ask(), ASK_AFTER_MS);
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }, [app, is, query]);
  if (is === undefined) return [];
  if (is === "command") return ranked(commandSuggestions, query, commandSuggestions.length);
  // What was found for less is shown until there is an answer for this, as far as it fits.
  const asked = found?.is === is && query.startsWith(found.query) ? found.all : [];
  return ranked([...known(app, is, conversation), ...asked], query);
}

function known(app: App, is: "person" | "channel", here: ConversationState): Suggestion[] {
  const all = app.conversations.list.value;
  if (is === "channel") {
    return all
      .filter(({ kind }) => kind === "channel")
      .map(({ id, handle, topic, private: isPrivate }) => ({
        is,
        handle,
        about: topic ?? "",
        id,
        private: isPrivate === true,
      }));
  }
  const members = here.kind === "channel" ? app.people.membersOf(here.id).members.value : [];
  const talked = all.flatMap(({ account, online }) =>
    account === undefined || account.deleted === true
      ? []
      : [{ ...account, displayName: account.displayName ?? "", online: online === true }],
  );
  return [...members.filter(({ standing }) => standing !== "banned"), ...talked].map(
    ofAccount(app),
  );
}

function ofAccount({ session }: App): (account: ListedAccount) => Suggestion {
  const own = session.account.value?.id;
  return ({ id, name, displayName, online }) => ({
    is: "person",
    handle: `@${name}`,
    about: displayName,
    id,
    online,
    isSelf: id === own,
  });
}

function ofChannel({ id, name, topic, private: isPrivate }: Channel): Suggestion {
  return { is: "channel", handle: `#${name}`, about: topic, id, private: isPrivate };
}
