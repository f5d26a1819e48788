/** Search over everything one may read, or one conversation; each hit leads to its place. */
import { useEffect, useRef } from "preact/hooks";
import type { Message } from "../../client/index.ts";
import { Avatar } from "../parts/avatar.tsx";
import { Button, IconButton } from "../parts/button.tsx";
import { Empty } from "../parts/empty.tsx";
import { Field } from "../parts/field.tsx";
import { Icon } from "../parts/icon.tsx";
import { Retry, Spinner } from "../parts/notice.tsx";
import { Time } from "../parts/time.tsx";
import { useApp } from "../parts/use.ts";
import { Pane } from "../settings/pane.tsx";
import type { PlaceAt } from "../state/place.ts";
import type { SearchResults } from "../state/search.ts";
import { excerpt } from "./excerpt.ts";

export type SearchViewProps = { place: Extract<PlaceAt, { is: "search" }> };

export function SearchView({ place }: SearchViewProps) {
  const app = useApp();
  const field = useRef<HTMLInputElement>(null);
  const within = place.in;
  const results = app.search.results.value;
  useEffect(() => app.search.run(place.text, within), [place.text, within]);
  useEffect(() => field.current?.focus(), []);
  const go = (text: string, where = within) => {
    const to = { is: "search", text, ...(where === undefined ? {} : { in: where }) } as const;
    app.place.go(to, { replace: true });
  };
  return (
    <Pane title="Search" holdFocus>
      <search>
        <form class="search-form" onSubmit={(event) => event.preventDefault()}>
          <Field
            ref={field}
            type="search"
            label="Search messages"
            hideLabel
            placeholder="Words that the message holds"
            leading={<Icon name="search" />}
            value={place.text}
            dir="auto"
            enterkeyhint="search"
            onInput={(event) => go(event.currentTarget.value)}
          />
          {within !== undefined && (
            <Within
              id={within}
              onEverywhere={() => {
                app.place.go({ is: "search", text: place.text }, { replace: true });
                field.current?.focus();
              }}
            />
          )}
        </form>
      </search>
      <p class="search-count" role="status">
        {countOf(results)}
      </p>
      <Results results={results} onRetry={() => app.search.run(place.text, within)} />
    </Pane>
  );
}

function Within({ id, onEverywhere }: { id: string; onEverywhere: () => void }) {
  const conversation = useApp().conversations.byId(id).value;
  return (
    <p class="search-within">
      Only in <bdi>{conversation?.handle ?? "this conversation"}</bdi>
      <IconButton icon="close" label="Search everywhere" size={16} onClick={onEverywhere} />
    </p>
  );
}

function countOf(results: SearchResults): string {
  if (results.is === "loading") return "Searching";
  if (results.is !== "found") return "";
  const { length } = results.messages;
  if (length === 0) return "No messages found";
  if (results.more !== "end") return `The newest ${length} messages found`;
  return length === 1 ? "1 message found" : `${length} messages found`;
}

function Results({ results, onRetry }: { results: SearchResults; onRetry: () => void }) {
  const app = useApp();
  if (results.is === "failed") return <Retry error={results.error} onRetry={onRetry} />;
  if (results.is === "loading") return null;
  if (results.is === "none") {
    return (
      <Empty icon="search" title="Find what was said">
        Type words that the message holds, in any order. "Quotes" keep words together, a last *
        finds every ending. You find what you may read, newest first.
      </Empty>
    );
  }
  if (results.messages.length === 0) {
    return (
      <Empty icon="search" title="Nothing found">
        No message that you may read holds all of these words. Try fewer words, or the beginning of
        one with * behind it.
      </Empty>
    );
  }
  return (
    <>
      <ul class="search-results" aria-label="Results">
        {results.messages.map((message) => (
          <Result key={message.id} message={message} wanted={results.text} />
        ))}
      </ul>
      {results.more === "loading" && <Spinner label="Loading more" />}
      {results.more === "more" && <Button onClick={() => app.search.more()}>Show more</Button>}
      {typeof results.more === "object" && (
        <Retry error={results.more.error} onRetry={() => app.search.more()} />
      )}
    </>
  );
}

function Result({ message, wanted }: { message: Message; wanted: string }) {
  const app = useApp();
  const conversation = app.conversations.byId(message.conversation).value;
  const { id, name, displayName } = message.author;
  const author = displayName || name;
  const where = conversation?.handle ?? "a conversation";
  const place = {
    is: "conversation",
    id: message.conversation,
    at: message.position,
  } as const;
  return (
    <li class="search-result">
      <Avatar id={id} name={author} />
      <div class="search-result-body">
        <a class="search-result-link" href={app.place.href(place)}>
          <bdi class="search-result-author">{author}</bdi>{" "}
          <span class="quiet">
            in <bdi>{where}</bdi>, <Time ms={message.at} style="brief" />
          </span>
        </a>
        <p dir="auto">
          {excerpt(message.text, wanted).map(({ text, isHit }, index) =>
            isHit ? <mark key={`${index}-${text}`}>{text}</mark> : text,
          )}
        </p>
      </div>
    </li>
  );
}
