/** One's own settings. */

import type { VNode } from "preact";
import { useApp } from "../parts/use.ts";
import type { SettingsTab } from "../state/place.ts";
import { SETTINGS_TABS } from "../state/place.ts";
import { AccountEnd } from "./account-end.tsx";
import { Appearance } from "./appearance.tsx";
import { Notifications } from "./notifications.tsx";
import { Pane } from "./pane.tsx";
import { Profile } from "./profile.tsx";
import { Security } from "./security.tsx";
import { Sessions } from "./sessions.tsx";

const PARTS: { readonly [tab in SettingsTab]: { label: string; View: () => VNode | null } } = {
  profile: { label: "Profile", View: Profile },
  security: { label: "Security", View: Security },
  sessions: { label: "Sessions", View: Sessions },
  appearance: { label: "Appearance", View: Appearance },
  notifications: { label: "Notifications", View: Notifications },
  account: { label: "Account", View: AccountEnd },
};

export function SettingsView({ tab }: { tab: SettingsTab }) {
  const app = useApp();
  const account = app.session.account.value;
  const { View } = PARTS[tab];
  const tabs = SETTINGS_TABS.map((name) => ({
    label: PARTS[name].label,
    place: { is: "settings", tab: name } as const,
    isCurrent: name === tab,
  }));
  return (
    <Pane title="Settings" tabs={tabs}>
      {account !== undefined && <View key={account.id} />}
    </Pane>
  );
}
