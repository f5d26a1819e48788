/** Oneself at the foot of the sidebar, and everything that is about oneself or the page. */
import { Avatar } from "../parts/avatar.tsx";
import { Icon } from "../parts/icon.tsx";
import { Menu, type MenuItem } from "../parts/menu.tsx";
import { useApp } from "../parts/use.ts";
import { openDialog } from "./dialogs.ts";

export function AccountMenu({ compact }: { compact?: boolean }) {
  const { session, place } = useApp();
  const account = session.account.value;
  if (account === undefined) return null;
  const shown = account.displayName || account.name;
  const items: MenuItem[] = [
    {
      label: "Settings",
      icon: "settings",
      onSelect: () => place.go({ is: "settings", tab: "profile" }),
    },
    ...(session.isAdmin.value
      ? [
          {
            label: "Administration",
            icon: "shield" as const,
            onSelect: () => place.go({ is: "admin", tab: "accounts" }),
          },
        ]
      : []),
    { label: "Getting started", icon: "compass", onSelect: () => place.go({ is: "guide" }) },
    { label: "Keyboard shortcuts", icon: "help", onSelect: () => openDialog("shortcuts") },
    "line",
    { label: "Sign out", icon: "out", onSelect: () => openDialog("sign-out") },
  ];
  return (
    <Menu
      label="Account menu"
      items={items}
      trigger={(trigger) => (
        <button
          type="button"
          class="account-button"
          title={`${shown} (@${account.name})`}
          {...trigger}
        >
          <span class="unseen">Account menu, {account.name}</span>
          <Avatar id={account.id} name={shown} size={32} />
          {compact !== true && (
            <>
              <span class="account-names" aria-hidden="true">
                <bdi class="account-shown">{shown}</bdi>
                <span class="account-name">@{account.name}</span>
              </span>
              <Icon name="more" size={18} />
            </>
          )}
        </button>
      )}
    />
  );
}
