/** Where one writes: it grows, completes, knows commands, and keeps what is not sent. */
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { classes, IconButton } from "../parts/button.tsx";
import { useAction, useApp } from "../parts/use.ts";
import type { App } from "../state/app.ts";
import type { ConversationState } from "../state/conversations.ts";
import { textOf } from "../state/errors.ts";
import { carryOut, type Deed } from "./carry-out.ts";
import type { Desk } from "./desk.ts";
import { ExitDialog } from "./exit-dialog.tsx";
import { isMine } from "./message-deeds.ts";
import { characterCount, parseTyped, sendable } from "./typed.ts";
import { grow, isComposing, isTouch, sendsByEnter } from "./typing-keys.ts";
import { useCompletion } from "./use-completion.tsx";

export type ComposerProps = {
  conversation: ConversationState;
  desk: Desk;
  onLeave: () => void;
};

/** So near the limit it is shown. */
const NEAR = 200;

export function Composer({ conversation, desk, onLeave }: ComposerProps) {
  const app = useApp();
  const { id, handle } = conversation;
  const text = app.drafts.draft(id).value;
  const area = useRef<HTMLTextAreaElement>(null);
  const [caret, setCaret] = useState(text.length);
  const [problem, setProblem] = useState<string | undefined>(undefined);
  const [asksExit, setAsksExit] = useState(false);
  const command = useAction(async (deed: Deed) => {
    await carryOut(deed, { app, conversation, onLeave });
    // What was typed meanwhile stays.
    if (app.drafts.draft(id).peek() === text) app.drafts.set(id, "");
  });
  const write = (next: string, at = next.length) => {
    app.drafts.set(id, next);
    setCaret(at);
    setProblem(undefined);
    command.clear();
  };
  const completion = useCompletion(conversation, text, caret, (next, at) => {
    write(next, at);
    moveCaret(area.current, next, at);
  });
  const left = charactersLeft(text, app.session.hello.value?.limits.messageCharactersMax);
  const isAway = app.connection.isTroubled.value;
  const isTooLong = left !== undefined && left < 0;
  const say = (said: string) => {
    try {
      app.pending.post(conversation, said);
      write("");
      desk.toNewest();
    } catch (error) {
      setProblem(textOf(error));
    }
  };
  const send = () => {
    const typed = parseTyped(sendable(text));
    if (typed.is === "nothing" || isTooLong) return;
    if (typed.is === "wrong") setProblem(typed.why);
    else if (typed.is === "exit") setAsksExit(true);
    else if (typed.is === "say") say(typed.text);
    else if (isAway && typed.is !== "help") setProblem(NO_COMMANDS);
    else command.run(typed);
    if (typed.is !== "exit") area.current?.focus();
  };
  useEffect(() => {
    desk.focusComposer = () => area.current?.focus();
    desk.putBack = (back) => {
      if (app.drafts.draft(id).peek() === "") write(back);
      area.current?.focus();
    };
  }, [desk, id]);
  useLayoutEffect(() => grow(area.current), [text]);
  const onKeyDown = (event: KeyboardEvent) => {
    if (isComposing(event)) return;
    if (completion.hears(event)) event.preventDefault();
    else if (sendsByEnter(event)) {
      event.preventDefault();
      send();
    } else if (event.key === "ArrowUp" && text === "" && editsLast(app, id, desk)) {
      event.preventDefault();
    }
  };
  const error = problem ?? command.error;
  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      {completion.list}
      <Hint error={error} isAway={isAway} />
      <div class="composer-box">
        <textarea
          ref={area}
          class="composer-text"
          aria-label={`Message ${handle}`}
          placeholder={`Message ${handle}`}
          dir="auto"
          rows={1}
          enterkeyhint={isTouch() ? "enter" : "send"}
          value={text}
          {...completion.attributes}
          onInput={(event) => {
            const { value, selectionStart } = event.currentTarget;
            write(value, selectionStart);
            if (value.trim() !== "" && !value.startsWith("/")) app.typing.tell(id);
          }}
          onKeyUp={(event) => setCaret(event.currentTarget.selectionStart)}
          onClick={(event) => setCaret(event.currentTarget.selectionStart)}
          onBlur={completion.close}
          onKeyDown={onKeyDown}
        />
        {left !== undefined && <Left left={left} />}
        <IconButton
          type="submit"
          class="composer-send"
          icon="send"
          label="Send"
          disabled={text.trim() === "" || isTooLong || command.busy}
        />
      </div>
      {asksExit && (
        <ExitDialog
          onSay={() => {
            setAsksExit(false);
            say(text.trim());
          }}
          onSignOut={() => app.drafts.set(id, "")}
          onClose={() => setAsksExit(false)}
        />
      )}
    </form>
  );
}

function charactersLeft(text: string, limit: number | undefined): number | undefined {
  if (limit === undefined || text.length < limit - NEAR) return undefined;
  const left = limit - characterCount(text);
  return left <= NEAR ? left : undefined;
}

/** The text has to be there before the caret can stand in it. */
function moveCaret(area: HTMLTextAreaElement | null, text: string, caret: number): void {
  if (area === null) return;
  area.value = text;
  area.setSelectionRange(caret, caret);
  area.focus();
}

/** Whether there is a last message of one's own that can be edited. */
function editsLast(app: App, id: string, desk: Desk): boolean {
  const last = app.timelines.timeline(id).items.peek().findLast(isMine);
  if (last !== undefined) desk.editing.value = { key: last.key, from: "composer" };
  return last !== undefined;
}

function Left({ left }: { left: number }) {
  const isOver = left < 0;
  return (
    <span
      class={classes("composer-left", isOver && "composer-over")}
      role={isOver ? "alert" : undefined}
    >
      {isOver ? `${-left} ${left === -1 ? "character" : "characters"} too many` : `${left} left`}
    </span>
  );
}

const AWAY = "Not connected. What you send waits here and goes out by itself.";
const NO_COMMANDS = "Not connected. Messages wait, commands do not: try again when it is back.";

function Hint({ error, isAway }: { error: string | undefined; isAway: boolean }) {
  if (error !== undefined) {
    return (
      <p class="composer-error" role="alert">
        {error}
      </p>
    );
  }
  return isAway ? <p class="composer-hint">{AWAY}</p> : null;
}
