/** Hooks that several views share. */
import { createContext } from "preact";
import { useContext, useEffect, useRef, useState } from "preact/hooks";
import type { App } from "../state/app.ts";
import { textOf } from "../state/errors.ts";

export const AppContext = createContext<App | undefined>(undefined);

export function useApp(): App {
  const app = useContext(AppContext);
  if (app === undefined) throw new Error("useApp is for what stands below AppContext");
  return app;
}

/** Something that takes time and may fail: `error` says why, in words for people. One run at a time. */
export function useAction<A extends unknown[]>(act: (...args: A) => Promise<void> | void) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | undefined>(undefined);
  const running = useRef(false);
  const mounted = useRef(true);
  useEffect(() => {
    mounted.current = true;
    return () => {
      mounted.current = false;
    };
  }, []);
  const work = async (args: A) => {
    running.current = true;
    setBusy(true);
    setError(undefined);
    try {
      await act(...args);
    } catch (failure) {
      if (mounted.current) setError(textOf(failure));
    } finally {
      running.current = false;
      if (mounted.current) setBusy(false);
    }
  };
  const run = (...args: A): void => {
    if (!running.current) void work(args);
  };
  return { run, busy, error, clear: () => setError(undefined) };
}

/**
 * A shortcut while this is mounted: `mod+k` (Ctrl, on a Mac Command), `alt+shift+ArrowUp`, `?`. Keys without
 * a modifier are left to whoever types.
 */
export function useHotkey(combination: string, act: (event: KeyboardEvent) => void): void {
  const latest = useRef(act);
  latest.current = act;
  useEffect(() => {
    const heard = (event: KeyboardEvent) => {
      if (event.defaultPrevented || !matches(combination, event)) return;
      const bare = !event.ctrlKey && !event.metaKey && !event.altKey;
      if (bare && event.key.length === 1 && isTyping(event.target)) return;
      event.preventDefault();
      latest.current(event);
    };
    document.addEventListener("keydown", heard);
    return () => document.removeEventListener("keydown", heard);
  }, [combination]);
}

export function matches(combination: string, event: KeyboardEvent): boolean {
  const parts = combination.split("+");
  const key = parts.pop() ?? "";
  const mac = /Mac|iPhone|iPad/.test(navigator.platform);
  const [mod, other] = mac ? [event.metaKey, event.ctrlKey] : [event.ctrlKey, event.metaKey];
  const sameKey = event.key.toLowerCase() === key.toLowerCase();
  const shiftCounts = key.length > 1 || /[a-z]/i.test(key);
  return (
    sameKey &&
    mod === parts.includes("mod") &&
    !other &&
    event.altKey === parts.includes("alt") &&
    (!shiftCounts || event.shiftKey === parts.includes("shift"))
  );
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.matches("input, textarea, select");
}
