/**
 * Menus behind a button: arrows move, a letter finds, Enter takes, Escape closes and gives the focus back.
 * The list lies in the browser's top layer, so that no pane cuts it off.
 */
import type { VNode } from "preact";
import { useId, useLayoutEffect, useRef, useState } from "preact/hooks";
import { classes, IconButton } from "./button.tsx";
import { Icon, type IconName } from "./icon.tsx";

export type MenuItem =
  | {
      label: string;
      icon?: IconName;
      danger?: boolean;
      /** Stands at the end, such as a key. */
      hint?: string;
      onSelect: () => void;
    }
  | "line";

export type MenuTrigger = {
  ref: (element: HTMLElement | null) => void;
  "aria-haspopup": "menu";
  "aria-expanded": boolean;
  "aria-controls": string | undefined;
  onClick: () => void;
  onKeyDown: (event: KeyboardEvent) => void;
};

export type MenuProps = {
  label: string;
  icon?: IconName;
  items: readonly MenuItem[];
  /** Draws the button itself; it must pass all of this on to it. */
  trigger?: (trigger: MenuTrigger) => VNode;
  onOpen?: (open: boolean) => void;
};

export function Menu({ label, icon = "more", items, trigger, onOpen }: MenuProps) {
  const id = useId();
  const [isOpen, setOpen] = useState(false);
  const button = useRef<HTMLElement | null>(null);
  const open = (value: boolean) => {
    setOpen(value);
    onOpen?.(value);
  };
  const props: MenuTrigger = {
    ref: (element) => {
      button.current = element;
    },
    "aria-haspopup": "menu",
    "aria-expanded": isOpen,
    "aria-controls": isOpen ? id : undefined,
    onClick: () => open(!isOpen),
    onKeyDown: (event) => {
      if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
      event.preventDefault();
      event.stopPropagation();
      open(true);
    },
  };
  return (
    <span class="menu">
      {trigger?.(props) ?? <IconButton {...props} icon={icon} label={label} />}
      {isOpen && <MenuList {...{ id, label, items }} button={button} onClose={() => open(false)} />}
    </span>
  );
}

type ListProps = {
  id: string;
  label: string;
  items: readonly MenuItem[];
  button: { current: HTMLElement | null };
  onClose: () => void;
};

function MenuList({ id, label, items, button, onClose }: ListProps) {
  const list = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const element = list.current;
    if (element === null || button.current === null) return;
    element.popover = "manual";
    element.showPopover();
    place(element, button.current.getBoundingClientRect());
    rows(element)[0]?.focus();
    const outside = (event: Event) => {
      const target = event.target as Node;
      if (!element.contains(target) && button.current?.contains(target) !== true) onClose();
    };
    const away = (event: Event) => {
      if (!(event.target instanceof Node && element.contains(event.target))) onClose();
    };
    document.addEventListener("pointerdown", outside, true);
    window.addEventListener("resize", onClose);
    document.addEventListener("scroll", away, true);
    return () => {
      document.removeEventListener("pointerdown", outside, true);
      window.removeEventListener("resize", onClose);
      document.removeEventListener("scroll", away, true);
    };
  }, []);
  const close = () => {
    button.current?.focus();
    onClose();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    event.stopPropagation();
    const all = rows(list.current);
    const at = all.indexOf(document.activeElement as HTMLElement);
    const to = target(event.key, at, all);
    if (event.key === "Escape" || event.key === "Tab") close();
    else if (to === undefined) return;
    else all[to]?.focus();
    if (event.key !== "Tab") event.preventDefault();
  };
  return (
    <div ref={list} id={id} class="menu-list" role="menu" aria-label={label} onKeyDown={onKeyDown}>
      {items.map((item, index) =>
        item === "line" ? (
          <hr key={`line-${index}`} class="menu-line" />
        ) : (
          <button
            key={item.label}
            type="button"
            role="menuitem"
            tabIndex={-1}
            class={classes("menu-item", item.danger === true && "menu-item-danger")}
            onClick={() => {
              close();
              item.onSelect();
            }}
          >
            {item.icon !== undefined && <Icon name={item.icon} size={18} />}
            {item.label}
            {item.hint !== undefined && <span class="menu-hint">{item.hint}</span>}
          </button>
        ),
      )}
    </div>
  );
}

function rows(list: HTMLElement | null): HTMLElement[] {
  return list === null ? [] : [...list.querySelectorAll<HTMLElement>('[role="menuitem"]')];
}

/** The row that a key leads to. */
function target(key: string, at: number, all: readonly HTMLElement[]): number | undefined {
  const count = all.length;
  if (key === "ArrowDown") return (at + 1) % count;
  if (key === "ArrowUp") return (at - 1 + count) % count;
  if (key === "Home") return 0;
  if (key === "End") return count - 1;
  if (key.length !== 1 || key === " ") return undefined;
  const after = [...all.keys()].map((i) => (at + 1 + i) % count);
  const letter = key.toLowerCase();
  return after.find((i) => all[i]?.textContent?.trim().toLowerCase().startsWith(letter));
}

const GAP = 4;

/** Below the button where there is room, else above it; within the window in any case. */
function place(list: HTMLElement, box: DOMRect): void {
  const { offsetWidth: width, offsetHeight: height } = list;
  const below = box.bottom + GAP + height <= window.innerHeight - GAP;
  const top = below ? box.bottom + GAP : Math.max(GAP, box.top - GAP - height);
  const left = box.left + width <= window.innerWidth - GAP ? box.left : box.right - width;
  list.style.top = `${top}px`;
  list.style.left = `${Math.max(GAP, left)}px`;
}
