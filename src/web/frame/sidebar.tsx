/** The sidebar: the server, what to find and to begin, the conversations, oneself. */
import { IconButton } from "../parts/button.tsx";
import { Icon } from "../parts/icon.tsx";
import { useApp } from "../parts/use.ts";
import { AccountMenu } from "./account-menu.tsx";
import { ConnectionSign } from "./connection-sign.tsx";
import { ConversationList } from "./conversation-list.tsx";
import { openDialog } from "./dialogs.ts";
import { narrow } from "./narrow.ts";

const FINDER_KEYS = /Mac|iPhone|iPad/.test(navigator.platform) ? "⌘K" : "Ctrl+K";

/** `hasSign`: the sign of the connection stands here, and not with the view. */
export function Sidebar({ hasSign }: { hasSign: boolean }) {
  const isNarrow = narrow.value;
  return (
    <nav class="sidebar" aria-label="Conversations">
      <header class="sidebar-head">
        <img class="brand-sign" src="/icon.svg" alt="" width={28} height={28} />
        <p class="brand-name">Holdfast</p>
        {hasSign && <ConnectionSign />}
      </header>
      {!isNarrow && (
        <div class="sidebar-actions">
          <SidebarActions />
        </div>
      )}
      <ConversationList />
      <footer class="sidebar-foot">
        {isNarrow && <SidebarActions />}
        <AccountMenu compact={isNarrow} />
      </footer>
    </nav>
  );
}

function SidebarActions() {
  const { place } = useApp();
  const isSearch = place.current.value.is === "search";
  return (
    <>
      <button
        type="button"
        class="find-button"
        title={`Find people and channels (${FINDER_KEYS})`}
        onClick={() => openDialog("finder")}
      >
        <Icon name="people" size={18} />
        <span>
          Find<span class="find-more"> people and channels</span>
        </span>
      </button>
      <a
        class="icon-button"
        href={place.href({ is: "search", text: "" })}
        aria-label="Search"
        aria-current={isSearch ? "page" : undefined}
        title="Search messages"
      >
        <Icon name="search" />
      </a>
      <IconButton icon="plus" label="New channel" onClick={() => openDialog("new-channel")} />
    </>
  );
}
