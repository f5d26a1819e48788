/** Light, dark, or as the system has it. Shown by begin.ts before anything is painted. */
export const THEMES = ["system", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

/** Of what is kept under `preferences`, which may be anything. */
export function themeOf(preferences: unknown): Theme {
  const { theme } = (preferences ?? {}) as { theme?: unknown };
  return THEMES.find((known) => known === theme) ?? "system";
}

export function showTheme(theme: Theme): void {
  const { dataset } = document.documentElement;
  if (theme === "system") delete dataset.theme;
  else dataset.theme = theme;
}
