/** Completion in the composer: which list is shown, which row is chosen, and the keys for it. */
import type { ComponentChildren } from "preact";
import { useEffect, useId, useState } from "preact/hooks";
import type { ConversationState } from "../state/conversations.ts";
import { type Suggestion, taken, wantedAt } from "./completion.ts";
import { optionId, SuggestionList } from "./suggestion-list.tsx";
import { useSuggestions } from "./use-suggestions.ts";

export type Completion = {
  /** For the text field. One that has a list open is a combobox: only that may say what is chosen. */
  readonly attributes: Readonly<Record<string, string>>;
  readonly list: ComponentChildren;
  /** Takes a key if it is for the list. */
  readonly hears: (event: KeyboardEvent) => boolean;
  readonly close: () => void;
};

export function useCompletion(
  conversation: ConversationState,
  text: string,
  caret: number,
  onTake: (text: string, caret: number) => void,
): Completion {
  const list = useId();
  const [chosen, setChosen] = useState(0);
  /** Where Escape was pressed, or something taken: nothing is suggested for that word any more. */
  const [closedAt, setClosedAt] = useState<number | undefined>(undefined);
  const wanted = wantedAt(text, caret);
  const from = wanted?.from;
  useEffect(() => setClosedAt(undefined), [from]);
  useEffect(() => setChosen(0), [from, wanted?.query]);
  const isClosed = wanted === undefined || closedAt === from;
  const suggestions = useSuggestions(isClosed ? undefined : wanted, conversation);
  const isOpen = suggestions.length > 0 && !isWhole(suggestions, text, from, wanted?.to);
  const at = Math.min(chosen, suggestions.length - 1);
  const close = () => setClosedAt(from);
  const take = (suggestion: Suggestion) => {
    if (wanted === undefined) return;
    const next = taken(text, wanted, suggestion);
    onTake(next.text, next.caret);
  };
  const hears = ({ key, shiftKey, ctrlKey, metaKey, altKey }: KeyboardEvent): boolean => {
    if (!isOpen || ctrlKey || metaKey || altKey) return false;
    const count = suggestions.length;
    if (key === "ArrowDown") setChosen((at + 1) % count);
    else if (key === "ArrowUp") setChosen((at - 1 + count) % count);
    else if (key === "Escape") close();
    else if ((key === "Enter" || key === "Tab") && !shiftKey) take(suggestions[at] as Suggestion);
    else return false;
    return true;
  };
  if (!isOpen) return { attributes: { "aria-autocomplete": "list" }, list: null, hears, close };
  return {
    attributes: {
      role: "combobox",
      "aria-autocomplete": "list",
      "aria-expanded": "true",
      "aria-controls": list,
      "aria-activedescendant": optionId(list, at),
    },
    list: <SuggestionList id={list} suggestions={suggestions} chosen={at} onTake={take} />,
    hears,
    close,
  };
}

/** The only suggestion stands there already: Enter is for sending again. */
function isWhole(
  suggestions: readonly Suggestion[],
  text: string,
  from: number | undefined,
  to: number | undefined,
): boolean {
  const typed = text.slice(from, to).toLowerCase();
  return suggestions.length === 1 && suggestions[0]?.handle.toLowerCase() === typed;
}
