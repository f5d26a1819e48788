/** The page: who is not signed in sees the way in, everybody else the chat. */
import { useEffect } from "preact/hooks";
import { Frame } from "./frame/frame.tsx";
import { LiveRegion } from "./parts/live.tsx";
import { AppContext } from "./parts/use.ts";
import { SignIn } from "./start/sign-in.tsx";
import type { App as AppState } from "./state/app.ts";
import { showTheme } from "./state/theme.ts";

export function App({ app }: { app: AppState }) {
  const theme = app.preferences.theme.value;
  useEffect(() => showTheme(theme), [theme]); // before the first paint it is begin.ts that shows it
  const phase = app.session.phase.value;
  return (
    <AppContext.Provider value={app}>
      {phase.is === "signed_in" ? <Frame key={phase.account.id} /> : <SignIn />}
      <LiveRegion />
    </AppContext.Provider>
  );
}
