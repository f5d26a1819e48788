/**
 * The signed-in page: the sidebar and one view, side by side, or one at a time where there is no room for two.
 *
 * Problem: on a phone the list and a view share one pane, and going back must find the list where it was.
 * Approach: both are always there; the stylesheet hides the one that is not meant (hidden also from readers and
 * the Tab key), so that the list keeps its place. Rejected: taking the list out of the page.
 */
import { useComputed } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { ConversationView } from "../conversation/view.tsx";
import { useApp, useHotkey } from "../parts/use.ts";
import { SearchView } from "../search/view.tsx";
import { AdminView } from "../settings/admin-view.tsx";
import { ChannelSettingsView } from "../settings/channel-settings-view.tsx";
import { SettingsView } from "../settings/settings-view.tsx";
import { Guide } from "../start/guide.tsx";
import type { ConversationState } from "../state/conversations.ts";
import type { PlaceAt } from "../state/place.ts";
import { ConnectionSign } from "./connection-sign.tsx";
import { openDialog } from "./dialogs.ts";
import { focusMain, focusNewMain, focusNextPane, focusSidebar } from "./focus.ts";
import { Home } from "./home.tsx";
import { Invited } from "./invited.tsx";
import { narrow } from "./narrow.ts";
import { Notices } from "./notices.tsx";
import { OpenDialog } from "./open-dialog.tsx";
import { Sidebar } from "./sidebar.tsx";

export function Frame() {
  const { place } = useApp();
  const at = place.current.value;
  const isList = at.is === "home";
  useFrameKeys();
  useFocusOnChange(at);
  return (
    <div class="frame" data-pane={isList ? "list" : "view"}>
      <a
        class="skip"
        href={place.href(at)}
        onClick={(event) => {
          event.preventDefault();
          focusMain();
        }}
      >
        {at.is === "conversation" ? "Skip to the conversation" : "Skip to the content"}
      </a>
      <Sidebar hasSign={!narrow.value || isList} />
      <div class="view">
        {narrow.value && !isList && <ConnectionSign />}
        <View at={at} />
      </div>
      <Notices />
      <OpenDialog />
    </div>
  );
}

function View({ at }: { at: PlaceAt }) {
  switch (at.is) {
    case "home":
      return <Home />;
    case "conversation":
      return <ConversationView key={at.id} place={at} />;
    case "search":
      return <SearchView place={at} />;
    case "settings":
      return <SettingsView tab={at.tab} />;
    case "channel-settings":
      return <ChannelSettingsView key={at.id} id={at.id} />;
    case "admin":
      return <AdminView tab={at.tab} />;
    case "guide":
      return <Guide />;
    case "invite":
      return <Invited />;
  }
}

/** One view is another when its kind or its conversation changes, not with what it shows of it. */
function viewOf(at: PlaceAt): string {
  return "id" in at ? `${at.is} ${at.id}` : at.is;
}

function useFocusOnChange(at: PlaceAt): void {
  const view = viewOf(at);
  const before = useRef<PlaceAt | undefined>(undefined);
  useEffect(() => {
    const from = before.current;
    before.current = at;
    const frame = requestAnimationFrame(() => {
      if (from === undefined && isUntouched() && at.is !== "conversation") return;
      if (at.is !== "home" || !narrow.value) focusNewMain();
      else if (from !== undefined) focusSidebar(from.is === "conversation" ? from.id : undefined);
    });
    return () => cancelAnimationFrame(frame);
  }, [view]);
}

/** The page was just loaded: the Tab key begins at its top, with the way past the list. */
function isUntouched(): boolean {
  const { userActivation } = navigator as { userActivation?: { hasBeenActive: boolean } };
  return userActivation?.hasBeenActive === false;
}

function useFrameKeys(): void {
  const { conversations, place } = useApp();
  const open = useComputed(() => {
    const at = place.current.value;
    return at.is === "conversation" ? at.id : undefined;
  });
  const step = (by: 1 | -1, fits: (conversation: ConversationState) => boolean) => {
    const all = conversations.list.value.filter(
      (conversation) => conversation.id === open.value || fits(conversation),
    );
    const at = all.findIndex(({ id }) => id === open.value);
    const next = at < 0 ? all.at(by > 0 ? 0 : -1) : all[(at + by + all.length) % all.length];
    if (next !== undefined && next.id !== open.value) place.go({ is: "conversation", id: next.id });
  };
  const isIn = ({ standing }: ConversationState) => standing !== "invited";
  const isUnread = (conversation: ConversationState) =>
    isIn(conversation) && conversation.unread > 0;
  useHotkey("mod+k", () => openDialog("finder"));
  useHotkey("mod+shift+f", () => place.go({ is: "search", text: "" }));
  useHotkey("?", () => openDialog("shortcuts"));
  useHotkey("alt+ArrowDown", () => step(1, isIn));
  useHotkey("alt+ArrowUp", () => step(-1, isIn));
  useHotkey("alt+shift+ArrowDown", () => step(1, isUnread));
  useHotkey("alt+shift+ArrowUp", () => step(-1, isUnread));
  useHotkey("F6", () => focusNextPane(1));
  useHotkey("shift+F6", () => focusNextPane(-1));
}
