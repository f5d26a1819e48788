/** Asks the server for who and what is typed, a moment after the last key; the newest question counts. */
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { useApp } from "../parts/use.ts";
import { textOf } from "../state/errors.ts";
import type { Found } from "../state/people.ts";
import { type FinderOption, finderOptions } from "./finder-matches.ts";

const PAUSE_MS = 120;
const NOTHING: Found = { people: [], channels: [] };

export type FinderState = {
  readonly options: readonly FinderOption[];
  /** The server's answer to what is typed is still to come. */
  readonly isBusy: boolean;
  /** Why only own conversations are there. */
  readonly error: string | undefined;
};

export function useFinder(typed: string): FinderState {
  const { conversations, people } = useApp();
  const text = typed.trim();
  const [answer, setAnswer] = useState({
    text: "",
    found: NOTHING,
    error: undefined as string | undefined,
  });
  const asked = useRef("");
  asked.current = text;
  useEffect(() => {
    if (text === "") return;
    const answered = (found: Found, error?: string) => {
      if (asked.current === text) setAnswer({ text, found, error });
    };
    const ask = () => {
      people.find(text).then(answered, (failure) => answered(NOTHING, textOf(failure)));
    };
    const timer = setTimeout(ask, PAUSE_MS);
    return () => clearTimeout(timer);
  }, [text]);
  const own = conversations.list.value;
  const { found } = answer;
  // What was found for the text before stays as long as it fits: nothing blinks while one types.
  const options = useMemo(
    () => finderOptions(text, { conversations: own, ...(text === "" ? NOTHING : found) }),
    [text, own, found],
  );
  const isBusy = text !== "" && answer.text !== text;
  return { options, isBusy, error: isBusy || text === "" ? undefined : answer.error };
}
