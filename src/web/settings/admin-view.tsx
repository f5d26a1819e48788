/** Administration: who has an account, who may make one. */
import type { VNode } from "preact";
import { Alert } from "../parts/notice.tsx";
import { useApp } from "../parts/use.ts";
import { ADMIN_TABS, type AdminTab } from "../state/place.ts";
import { AdminAccounts } from "./admin-accounts.tsx";
import { AdminInvitations } from "./admin-invitations.tsx";
import { AdminServers } from "./admin-servers.tsx";
import { AdminSignUp } from "./admin-sign-up.tsx";
import { Pane } from "./pane.tsx";

const PARTS: { readonly [tab in AdminTab]: { label: string; View: () => VNode } } = {
  accounts: { label: "Accounts", View: AdminAccounts },
  invitations: { label: "Invitations", View: AdminInvitations },
  "sign-up": { label: "Sign-up", View: AdminSignUp },
  servers: { label: "Servers", View: AdminServers },
};

export function AdminView({ tab }: { tab: AdminTab }) {
  const app = useApp();
  const tabs = ADMIN_TABS.map((name) => ({
    label: PARTS[name].label,
    place: { is: "admin", tab: name } as const,
    isCurrent: name === tab,
  }));
  if (!app.session.isAdmin.value) {
    return (
      <Pane title="Administration">
        <Alert kind="warn">
          This is for administrators. One of them can make you one, and so can{" "}
          <code>holdfast admin grant</code> on the server's own machine.
        </Alert>
      </Pane>
    );
  }
  const { View } = PARTS[tab];
  return (
    <Pane title="Administration" tabs={tabs}>
      <View />
    </Pane>
  );
}
