/** The list above the composer. The focus stays in the text; `aria-activedescendant` says which row is meant. */
import { useLayoutEffect, useRef } from "preact/hooks";
import { Avatar } from "../parts/avatar.tsx";
import type { Suggestion } from "./completion.ts";

export type SuggestionListProps = {
  id: string;
  suggestions: readonly Suggestion[];
  chosen: number;
  onTake: (suggestion: Suggestion) => void;
};

export const optionId = (list: string, index: number) => `${list}-${index}`;

export function SuggestionList({ id, suggestions, chosen, onTake }: SuggestionListProps) {
  const list = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    list.current?.children[chosen]?.scrollIntoView({ block: "nearest" });
  }, [chosen, suggestions]);
  return (
    <div ref={list} id={id} class="suggestions" role="listbox" aria-label="Suggestions">
      {suggestions.map((suggestion, i) => (
        // biome-ignore lint/a11y/useKeyWithClickEvents: keys are heard by the text field
        <div
          key={suggestion.handle}
          id={optionId(id, i)}
          class="suggestion"
          role="option"
          tabIndex={-1}
          aria-selected={i === chosen}
          // The text keeps the focus.
          onMouseDown={(event) => event.preventDefault()}
          onClick={() => onTake(suggestion)}
        >
          <Picture {...suggestion} />
          <span class="suggestion-words">
            <b>{suggestion.handle}</b>
            {suggestion.about !== "" && (
              <>
                <span class="suggestion-comma">, </span>
                <bdi>{suggestion.about}</bdi>
              </>
            )}
          </span>
        </div>
      ))}
    </div>
  );
}

function Picture({ is, id, handle, about, online, private: isPrivate }: Suggestion) {
  if (id === undefined) return null;
  if (is === "person") return <Avatar id={id} name={about || handle} online={online} size={24} />;
  return (
    <Avatar id={id} name={handle} kind={isPrivate === true ? "private" : "channel"} size={24} />
  );
}
