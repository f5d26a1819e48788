/**
 * What can be done with a message. With a mouse or keys: small buttons at its corner, and a menu on Enter. By touch:
 * the menu alone, opened by a tap on the message.
 */
import { useLayoutEffect, useRef } from "preact/hooks";
import { IconButton } from "../parts/button.tsx";
import { Icon } from "../parts/icon.tsx";
import { Menu, type MenuItem } from "../parts/menu.tsx";
import { isTouch } from "./typing-keys.ts";

export type MessageDeed = {
  readonly icon: "copy" | "link" | "message" | "edit" | "trash";
  readonly label: string;
  readonly hint?: string;
  readonly run: () => void;
  /** In the menu only. */
  readonly isRare?: true;
};

export type MessageToolsProps = {
  deeds: readonly MessageDeed[];
  /** Opens the menu, once. */
  opensMenu: boolean;
  onMenu: (isOpen: boolean) => void;
  isActive: boolean;
};

export function MessageTools({ deeds, opensMenu, onMenu, isActive }: MessageToolsProps) {
  const button = useRef<HTMLElement | null>(null);
  useLayoutEffect(() => {
    if (opensMenu) button.current?.click();
  }, [opensMenu]);
  const tabIndex = isActive ? 0 : -1;
  const items: MenuItem[] = deeds.map(({ icon, label, hint, run }) => ({
    label,
    icon,
    danger: icon === "trash",
    ...(hint === undefined || isTouch() ? {} : { hint }),
    onSelect: run,
  }));
  return (
    <div class="msg-tools" role="toolbar" aria-label="Message actions">
      {deeds
        .filter(({ isRare }) => isRare !== true)
        .map(({ icon, label, run }) => (
          <IconButton key={label} {...{ icon, label, tabIndex }} size={17} onClick={run} />
        ))}
      <Menu
        label="More"
        items={items}
        onOpen={onMenu}
        trigger={({ ref, ...trigger }) => (
          <button
            {...trigger}
            ref={(element) => {
              button.current = element;
              ref(element);
            }}
            type="button"
            class="icon-button msg-more"
            aria-label="More"
            title="More"
            tabIndex={tabIndex}
          >
            <Icon name="more" size={17} />
          </button>
        )}
      />
    </div>
  );
}
