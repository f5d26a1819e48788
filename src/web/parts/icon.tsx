/** Icons: strokes on a grid of 24, drawn in the colour of the text around them, hidden from screen readers. */

const PATHS = {
  alert: "M12 4 2.8 19.5h18.4ZM12 10v4M12 17h.01",
  back: "M19 12H5m6-7-7 7 7 7",
  bell: "M6 9a6 6 0 0 1 12 0c0 6 2.5 7 2.5 7h-17S6 15 6 9ZM10 20a2.2 2.2 0 0 0 4 0",
  check: "m5 12.5 5 5L19.5 7",
  clock: "M12 7v5l3.5 2M21 12a9 9 0 1 1-18 0 9 9 0 0 1 18 0Z",
  close: "m6 6 12 12M18 6 6 18",
  compass: "M21 12a9 9 0 1 1-18 0 9 9 0 0 1 18 0Zm-5.5-3.5-2 5-5 2 2-5Z",
  copy: "M9 9h11v11H9ZM5 15H4V4h11v1",
  crown: "m3 7 4.5 4L12 5l4.5 6L21 7l-2 11H5Z",
  down: "M12 5v14m7-7-7 7-7-7",
  edit: "M4 20h4L19.5 8.5l-4-4L4 16ZM13.5 6.5l4 4",
  eye: "M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12ZM15 12a3 3 0 1 1-6 0 3 3 0 0 1 6 0Z",
  "eye-off":
    "M4 4l16 16M9.5 5.8A9 9 0 0 1 12 5.5c6 0 9.5 6.5 9.5 6.5a17 17 0 0 1-3 3.7M6 7.8A16 16 0 0 0 2.5 12S6 18.5 12 18.5a9 9 0 0 0 4-.9M10 10a3 3 0 0 0 4 4",
  hash: "M9 4 7 20M17 4l-2 16M4.5 9h16M3.5 15h16",
  help: "M21 12a9 9 0 1 1-18 0 9 9 0 0 1 18 0ZM9.5 9.5a2.5 2.5 0 1 1 3.5 2.3c-.7.4-1 .9-1 1.7M12 17h.01",
  info: "M21 12a9 9 0 1 1-18 0 9 9 0 0 1 18 0Zm-9-1v5M12 8h.01",
  link: "M10 14a4 4 0 0 0 6 .5l3-3a4.2 4.2 0 0 0-6-6l-1.5 1.5M14 10a4 4 0 0 0-6-.5l-3 3a4.2 4.2 0 0 0 6 6l1.5-1.5",
  lock: "M5 11h14v9H5ZM8 11V8a4 4 0 0 1 8 0v3",
  message: "M4 5h16v11H9.5L5 20v-4H4Z",
  monitor: "M3 5h18v11H3ZM9 20h6M12 16v4",
  more: "M5.5 12h.01M12 12h.01M18.5 12h.01",
  out: "M14 4h6v16h-6M3.5 12H15M8 7.5 3.5 12 8 16.5",
  people:
    "M15.5 20v-1.5a4 4 0 0 0-4-4h-5a4 4 0 0 0-4 4V20M12.5 7.5a3.5 3.5 0 1 1-7 0 3.5 3.5 0 0 1 7 0ZM16 4.3a3.5 3.5 0 0 1 0 6.4M21.5 20v-1.5a4 4 0 0 0-3-3.9",
  person: "M20 20.5v-1a5 5 0 0 0-5-5H9a5 5 0 0 0-5 5v1M16 7.5a4 4 0 1 1-8 0 4 4 0 0 1 8 0Z",
  plus: "M12 5v14M5 12h14",
  search: "M16.5 10.5a6 6 0 1 1-12 0 6 6 0 0 1 12 0ZM15 15l5.5 5.5",
  send: "M4 12 3 4l18 8-18 8 1-8Zm0 0h8",
  server: "M4 4h16v7H4ZM4 13h16v7H4ZM7.5 7.5h.01M7.5 16.5h.01",
  settings:
    "M4 7h9M17 7h3M4 17h3M11 17h9M17 7a2 2 0 1 1-4 0 2 2 0 0 1 4 0ZM11 17a2 2 0 1 1-4 0 2 2 0 0 1 4 0Z",
  shield: "M12 3 4.5 6v5.5c0 4.5 3 8 7.5 9.5 4.5-1.5 7.5-5 7.5-9.5V6Z",
  trash: "M4 6.5h16M9 6.5V4h6v2.5M6 6.5 7 20h10l1-13.5M10 10.5v6M14 10.5v6",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 20 }: { name: IconName; size?: number }) {
  return (
    <svg
      class="icon"
      width={size}
      height={size}
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      stroke-width={name === "more" ? 2.6 : 1.8}
      stroke-linecap="round"
      stroke-linejoin="round"
      aria-hidden="true"
      focusable="false"
    >
      <path d={PATHS[name]} />
    </svg>
  );
}
