/** What happens to what is written: kept as a draft, sent, carried out as a command, or refused with a reason. */
import { useState } from "preact/hooks";
import { useAction, useApp } from "../parts/use.ts";
import type { ConversationState } from "../state/conversations.ts";
import { textOf } from "../state/errors.ts";
import { carryOut, type Deed } from "./carry-out.ts";
import type { Desk } from "./desk.ts";
import { characterCount, parseTyped, sendable } from "./typed.ts";

export type Written = {
  readonly text: string;
  readonly write: (text: string) => void;
  /** What Enter does. */
  readonly send: () => void;
  /** Sends a text as it is, whatever it looks like. */
  readonly say: (text: string) => void;
  /** Why it was not sent. */
  readonly error: string | undefined;
  /** Characters that still fit, near the limit only; negative for too many. */
  readonly left: number | undefined;
  readonly maySend: boolean;
  /** EXIT was typed. */
  readonly asksExit: boolean;
  readonly endExit: () => void;
};

/** So near the limit it is shown. */
const NEAR = 200;
const NO_COMMANDS = "Not connected. Messages wait, commands do not: try again when it is back.";

export function useComposer(
  conversation: ConversationState,
  desk: Desk,
  onLeave: () => void,
): Written {
  const app = useApp();
  const { id } = conversation;
  const text = app.drafts.draft(id).value;
  const [problem, setProblem] = useState<string | undefined>(undefined);
  const [asksExit, setAsksExit] = useState(false);
  const command = useAction(async (deed: Deed) => {
    await carryOut(deed, { app, conversation, onLeave });
    // What was typed meanwhile stays.
    if (app.drafts.draft(id).peek() === text) app.drafts.set(id, "");
  });
  const left = charactersLeft(text, app.session.hello.value?.limits.messageCharactersMax);
  const isTooLong = left !== undefined && left < 0;
  const isAway = app.connection.isTroubled.value;
  const write = (next: string) => {
    app.drafts.set(id, next);
    setProblem(undefined);
    command.clear();
  };
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
  };
  return {
    ...{ text, write, send, say, left, asksExit },
    error: problem ?? command.error,
    maySend: text.trim() !== "" && !isTooLong && !command.busy,
    endExit: () => setAsksExit(false),
  };
}

function charactersLeft(text: string, limit: number | undefined): number | undefined {
  if (limit === undefined || text.length < limit - NEAR) return undefined;
  const left = limit - characterCount(text);
  return left <= NEAR ? left : undefined;
}
