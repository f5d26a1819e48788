/**
 * The pane that messages scroll in.
 *
 * Problem and arithmetic: see scroll.ts. Approach: around every change of the rows the places of those on the screen
 * are compared, before anything is painted; around every change of sizes, by what was noted last. While the end of the
 * newest is on the screen, it is held on to instead. A class, because only classes are asked before the rows change.
 */
import { Component, type ComponentChildren, type HTMLAttributes } from "preact";
import {
  type Anchor,
  anchorsOf,
  type Extent,
  isAtEnd,
  lacks,
  lastSeen,
  type Rows,
  shiftInto,
  shiftOf,
  shiftTo,
} from "./scroll.ts";

export type Seen = {
  /** Key of the lowest row whose end is on the screen. */
  readonly last: string | undefined;
  readonly lacksOlder: boolean;
  readonly lacksNewer: boolean;
};

export type ScrollerProps = Omit<HTMLAttributes<HTMLDivElement>, "ref"> & {
  /** Rows are elements with the class `msg` and a `data-key`; what else is among them moves with them. */
  children: ComponentChildren;
  /** Holds the scroller while it is there. */
  handle: { current: Scroller | null };
  /** Begins at the line of what is new, or the newest; otherwise somebody says where to go. */
  begins: boolean;
  /** The last row is the newest there is. */
  isNewest: boolean;
  onSeen: (seen: Seen) => void;
};

/** Where to go as soon as it is there. `open`: to the line of what is new, else to the end. */
type Goal = { readonly is: "open" | "end" } | { readonly is: "row"; readonly key: string };
type Snapshot = { readonly anchors: readonly Anchor[]; readonly hadFocus: boolean };

export class Scroller extends Component<ScrollerProps> {
  #log: HTMLDivElement | null = null;
  #content: HTMLDivElement | null = null;
  #rows: HTMLCollectionOf<Element> | undefined;
  #anchors: readonly Anchor[] = [];
  #isStuck = true;
  /** scrollTop as it was left: another one is somebody's doing. */
  #top = 0;
  #goal: Goal | undefined;
  #observer: ResizeObserver | undefined;

  /** To the end of the newest, at once or when it is there. */
  goToEnd(): void {
    this.#go({ is: "end" });
  }

  /** To a message, at once or when it is there. */
  goTo(key: string): void {
    this.#go({ is: "row", key });
  }

  /** What was to be gone to will not come. */
  forgetGoal(): void {
    this.#goal = undefined;
  }

  focus(): void {
    this.#log?.focus({ preventScroll: true });
  }

  rowOf(key: string): HTMLElement | undefined {
    for (const row of this.#rows ?? []) {
      if ((row as HTMLElement).dataset.key === key) return row as HTMLElement;
    }
    return undefined;
  }

  /** Key of a row on the screen: the lowest one. */
  lowestKey(): string | undefined {
    const log = this.#log;
    return log === null ? undefined : anchorsOf(this.#measured(log), log.clientHeight).at(-1)?.key;
  }

  /** Gives a row the focus, and scrolls no further than that asks for. */
  focusRow(key: string): void {
    const row = this.rowOf(key);
    const log = this.#log;
    if (row === undefined || log === null) return;
    row.focus({ preventScroll: true });
    this.#shift(shiftInto(this.#boxOf(row, log), log.clientHeight));
  }

  override componentDidMount(): void {
    this.props.handle.current = this;
    if (this.props.begins) this.#goal = { is: "open" };
    this.#observer = new ResizeObserver(() => this.#settle(this.#anchors));
    if (this.#log !== null) this.#observer.observe(this.#log);
    if (this.#content !== null) this.#observer.observe(this.#content);
    this.#settle([]);
  }

  override componentWillUnmount(): void {
    this.#observer?.disconnect();
    this.props.handle.current = null;
  }

  override getSnapshotBeforeUpdate(): Snapshot {
    const log = this.#log;
    if (log === null) return { anchors: [], hadFocus: false };
    this.#look(log);
    const anchors = anchorsOf(this.#measured(log), log.clientHeight);
    return { anchors, hadFocus: log.contains(document.activeElement) };
  }

  override componentDidUpdate(_props: unknown, _state: unknown, snapshot: Snapshot): void {
    this.#settle(snapshot.anchors);
    const isLost = document.activeElement === document.body;
    if (snapshot.hadFocus && isLost) this.focus();
  }

  override render({
    children,
    handle: _,
    begins: __,
    isNewest: ___,
    onSeen: ____,
    ...attributes
  }: ScrollerProps) {
    return (
      <div
        {...attributes}
        ref={(element) => {
          this.#log = element;
          this.#rows ??= element?.getElementsByClassName("msg");
        }}
        onScroll={() => {
          if (this.#log !== null) this.#look(this.#log);
          this.#note();
        }}
      >
        <div
          ref={(element) => {
            this.#content = element;
          }}
          class="log-content"
        >
          {children}
        </div>
      </div>
    );
  }

  #go(goal: Goal): void {
    this.#goal = goal;
    this.#settle(this.#anchors);
  }

  /** After something changed: to the goal, or the end that is held on to, or where it was. */
  #settle(anchors: readonly Anchor[]): void {
    const log = this.#log;
    if (log === null || log.clientHeight === 0) return;
    if (!this.#reach(log)) {
      if (this.#isStuck && this.props.isNewest) this.#shift(extentOf(log).below);
      else this.#shift(shiftOf(anchors, (key) => this.#bottomOf(key, log)));
    }
    this.#isStuck = isAtEnd(extentOf(log));
    this.#note();
  }

  #reach(log: HTMLElement): boolean {
    const goal = this.#goal;
    if (goal === undefined || this.#rows === undefined || this.#rows.length === 0) return false;
    if (goal.is === "row") {
      const row = this.rowOf(goal.key);
      if (row === undefined) return false;
      this.#shift(shiftTo(this.#boxOf(row, log), log.clientHeight, "middle"));
    } else {
      const line = goal.is === "open" ? log.querySelector<HTMLElement>(".msg-new") : null;
      if (line !== null) {
        this.#shift(shiftTo(this.#boxOf(line, log), log.clientHeight, "high"));
      } else if (this.props.isNewest || goal.is === "open") {
        this.#shift(extentOf(log).below);
      } else {
        return false;
      }
    }
    this.#goal = undefined;
    return true;
  }

  /** Whether somebody scrolled since, and so left the end or came to it. */
  #look(log: HTMLElement): void {
    if (log.scrollTop === this.#top) return;
    this.#top = log.scrollTop;
    this.#isStuck = isAtEnd(extentOf(log));
  }

  #note(): void {
    const log = this.#log;
    if (log === null || log.clientHeight === 0) return;
    const rows = this.#measured(log);
    this.#anchors = anchorsOf(rows, log.clientHeight);
    const last = lastSeen(rows, log.clientHeight);
    const { older, newer } = lacks(extentOf(log));
    this.props.onSeen({
      last: last === undefined ? undefined : rows.key(last),
      lacksOlder: older,
      lacksNewer: newer,
    });
  }

  #shift(by: number): void {
    const log = this.#log;
    if (log === null) return;
    if (by !== 0) log.scrollTop += by;
    this.#top = log.scrollTop;
  }

  #bottomOf(key: string, log: HTMLElement): number | undefined {
    const row = this.rowOf(key);
    return row && this.#boxOf(row, log).bottom;
  }

  #boxOf(row: Element, log: HTMLElement): { readonly top: number; readonly bottom: number } {
    const edge = log.getBoundingClientRect().top + log.clientTop;
    const { top, bottom } = row.getBoundingClientRect();
    return { top: top - edge, bottom: bottom - edge };
  }

  #measured(log: HTMLElement): Rows {
    const rows = this.#rows;
    const edge = log.getBoundingClientRect().top + log.clientTop;
    const row = (index: number) => rows?.[index] as HTMLElement;
    return {
      length: rows?.length ?? 0,
      key: (index) => row(index).dataset.key as string,
      top: (index) => row(index).getBoundingClientRect().top - edge,
      bottom: (index) => row(index).getBoundingClientRect().bottom - edge,
    };
  }
}

function extentOf({ clientHeight, scrollHeight, scrollTop }: HTMLElement): Extent {
  return {
    height: clientHeight,
    above: scrollTop,
    below: scrollHeight - clientHeight - scrollTop,
  };
}
