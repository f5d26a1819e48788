/** Light, dark, or as the system says. */
import { Choice } from "../parts/field.tsx";
import { useApp } from "../parts/use.ts";
import { Section } from "./pane.tsx";

export function Appearance() {
  const { preferences } = useApp();
  return (
    <Section title="Appearance">
      <Choice
        label="Theme"
        value={preferences.theme.value}
        onChange={(theme) => {
          preferences.theme.value = theme;
        }}
        options={[
          { value: "system", label: "System", hint: "Follows your device" },
          { value: "light", label: "Light" },
          { value: "dark", label: "Dark" },
        ]}
      />
      <p class="quiet">Kept in this browser.</p>
    </Section>
  );
}
