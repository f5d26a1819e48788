/** A view whose script is loaded when it is first shown, so that who never sees it never waits for it. */
import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Button } from "./button.tsx";
import { Alert, Spinner } from "./notice.tsx";

export type Lazy<P> = { readonly load: () => Promise<ComponentType<P>> };

/** `load` is asked once, and again after it failed. */
export function lazy<P>(load: () => Promise<ComponentType<P>>): Lazy<P> {
  let loading: Promise<ComponentType<P>> | undefined;
  return {
    load: () => {
      loading ??= load().catch((error) => {
        loading = undefined;
        throw error;
      });
      return loading;
    },
  };
}

type ShownLazilyProps<P> = { view: Lazy<P>; label: string; props: P };

export function ShownLazily<P extends object>({ view, label, props }: ShownLazilyProps<P>) {
  const [View, setView] = useState<ComponentType<P> | undefined>(undefined);
  const [failed, setFailed] = useState(false);
  const load = () => {
    setFailed(false);
    view.load().then(
      (found) => setView(() => found),
      () => setFailed(true),
    );
  };
  useEffect(load, [view]);
  if (View !== undefined) return <View {...props} />;
  if (!failed) return <Spinner label={`Loading ${label}`} />;
  return (
    <Alert kind="error">
      This part of the page could not be loaded: its server is away.{" "}
      <Button onClick={load}>Try again</Button>
    </Alert>
  );
}
