/** When the page speaks up. The browser is asked for permission only here, in answer to the switch. */
import { useState } from "preact/hooks";
import { Switch } from "../parts/field.tsx";
import { useApp } from "../parts/use.ts";
import { Section } from "./pane.tsx";

export function Notifications() {
  const { preferences } = useApp();
  const chosen = preferences.notifications.value;
  const [permission, setPermission] = useState(preferences.permission());
  const isOn = chosen.browser && permission === "granted";
  const turn = async (on: boolean) => {
    if (on) await preferences.askPermission();
    else preferences.notifications.value = { ...chosen, browser: false };
    setPermission(preferences.permission());
  };
  return (
    <Section
      title="Notifications"
      about="For direct messages, and where somebody mentions you by your name."
    >
      <Switch
        label="Notices in the page"
        hint="A line at the edge while you look at another conversation."
        checked={chosen.inPage}
        onChange={(inPage) => {
          preferences.notifications.value = { ...chosen, inPage };
        }}
      />
      <Switch
        label="Notifications of the browser"
        hint={HINTS[permission]}
        checked={isOn}
        disabled={permission === "unsupported" || permission === "denied"}
        onChange={(on) => void turn(on)}
      />
      <p class="quiet">Kept in this browser.</p>
    </Section>
  );
}

const HINTS = {
  granted: "While the page is in the background or behind another window.",
  default: "While the page is in the background. Your browser asks you once.",
  denied: "Your browser forbids them for this address: allow them in its settings, then reload.",
  unsupported: "Your browser offers them only over https or on the server's own machine.",
} as const;
