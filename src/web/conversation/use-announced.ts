/** Tells screen readers what others say in the open conversation: politely, and many at once as a number. */
import { useEffect } from "preact/hooks";
import { announce } from "../parts/live.tsx";
import { useApp } from "../parts/use.ts";
import { type Heard, spokenOf } from "./hearing.ts";
import { shownName, withoutDirections } from "./shown-name.ts";

/** What comes within this time is said in one go. */
const TOGETHER_MS = 600;

export function useAnnounced(conversation: string): void {
  const { client, session } = useApp();
  useEffect(() => {
    let heard: Heard[] = [];
    let timer: ReturnType<typeof setTimeout> | undefined;
    const say = () => {
      announce(spokenOf(heard));
      heard = [];
      timer = undefined;
    };
    const end = client.on("message.posted", ({ message }) => {
      const isOther = message.author.id !== session.account.peek()?.id;
      if (message.conversation !== conversation || !isOther || message.deleted === true) return;
      const text = withoutDirections(message.text);
      heard.push({ name: withoutDirections(shownName(message.author)), text });
      timer ??= setTimeout(say, TOGETHER_MS);
    });
    return () => {
      end();
      clearTimeout(timer);
    };
  }, [client, conversation]);
}
