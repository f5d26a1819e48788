/** All keys and commands in one list: `?` and `/help` show it. */
import { COMMANDS } from "../conversation/typed.ts";
import { Dialog } from "../parts/dialog.tsx";

const isMac = /Mac|iPhone|iPad/.test(navigator.platform);
const MOD = isMac ? "⌘" : "Ctrl";
const ALT = isMac ? "⌥" : "Alt";

const GROUPS: readonly {
  title: string;
  keys: readonly [keys: readonly string[], does: string][];
}[] = [
  {
    title: "Anywhere",
    keys: [
      [[MOD, "K"], "Find people and channels"],
      [[MOD, "Shift", "F"], "Search messages"],
      [[ALT, "↑ or ↓"], "Previous or next conversation"],
      [[ALT, "Shift", "↑ or ↓"], "Previous or next unread conversation"],
      [["F6"], "To the next part of the page"],
      [["?"], "This list"],
    ],
  },
  {
    title: "While you write",
    keys: [
      [["Enter"], "Send"],
      [["Shift", "Enter"], "New line"],
      [["↑"], "Edit your last message, if nothing is written"],
      [["@"], "Mention somebody"],
      [["#"], "Name a channel"],
      [["Esc"], "Close the list, cancel editing"],
    ],
  },
  {
    title: "Among messages",
    keys: [
      [["↑ or ↓"], "Previous or next message"],
      [["Page up or down"], "A screen"],
      [["End"], "To the newest"],
      [["E"], "Edit your message"],
      [["Delete"], "Delete your message"],
      [["Enter"], "What can be done with it"],
    ],
  },
  {
    title: "Commands",
    keys: COMMANDS.map(({ name, does }) => [[`/${name}`], does]),
  },
];

export function ShortcutsDialog({ onClose }: { onClose: () => void }) {
  return (
    <Dialog title="Keyboard shortcuts" onClose={onClose} wide>
      <div class="shortcuts">
        {GROUPS.map(({ title, keys }) => (
          <section key={title}>
            <h3>{title}</h3>
            <dl>
              {keys.map(([parts, does]) => (
                <div key={does} class="shortcut">
                  <dt>
                    {parts.map((part) => (
                      <kbd key={part}>{part}</kbd>
                    ))}
                  </dt>
                  <dd>{does}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
    </Dialog>
  );
}
