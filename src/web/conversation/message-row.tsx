/**
 * One message in the list, stored or not.
 *
 * A row is drawn anew only when something of its own changed: the list has hundreds, and one comes at a time.
 */
import { Component, type ComponentChildren } from "preact";
import { useRef, useState } from "preact/hooks";
import type { Author, Message, OutboxEntry } from "../../client/index.ts";
import { Avatar } from "../parts/avatar.tsx";
import { Button, classes } from "../parts/button.tsx";
import { Time, timeText } from "../parts/time.tsx";
import { textOf } from "../state/errors.ts";
import type { TimelineItem } from "../state/timelines.ts";
import type { MessageDeeds } from "./message-deeds.ts";
import { MessageEdit } from "./message-edit.tsx";
import { MessageText } from "./message-text.tsx";
import { type MessageDeed, MessageTools } from "./message-tools.tsx";
import { shownName, withoutDirections } from "./shown-name.ts";
import { SendingSign, StoredSign } from "./stored-sign.tsx";
import { isTouch } from "./typing-keys.ts";

export type Said = Extract<TimelineItem, { is: "message" | "pending" }>;

export type MessageRowProps = {
  item: Said;
  /** The own account. */
  me: Author | undefined;
  isActive: boolean;
  isEditing: boolean;
  isHighlighted: boolean;
  mayDelete: boolean;
  deeds: MessageDeeds;
};

export class MessageRow extends Component<MessageRowProps> {
  override shouldComponentUpdate({ item, ...next }: MessageRowProps): boolean {
    const { item: before, ...props } = this.props;
    return !same(before, item) || !same(props, next);
  }

  override render(props: MessageRowProps) {
    return <Row {...props} />;
  }
}

function same<T extends object>(a: T, b: T): boolean {
  const keys = Object.keys(a) as (keyof T)[];
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key]);
}

function Row(props: MessageRowProps) {
  const { item, me, isActive, isEditing, isHighlighted } = props;
  const row = useRef<HTMLElement>(null);
  const { isNear, setNear, attributes } = useNearness(row);
  const [opensMenu, setOpensMenu] = useState(false);
  const author = item.is === "message" ? item.message.author : me;
  const at = item.is === "message" ? item.message.at : item.entry.at;
  const name = author === undefined ? "You" : shownName(author);
  const isGone = item.is === "message" && item.message.deleted === true;
  const deeds = isEditing ? [] : deedsOf(props);
  const openMenu = () => {
    if (deeds.length === 0) return;
    setNear(true);
    setOpensMenu(true);
  };
  const textId = `text-${item.key}`;
  return (
    <article
      ref={row}
      class={classes("msg", item.grouped && "msg-grouped", isNear && "msg-near")}
      data-key={item.key}
      tabIndex={isActive ? 0 : -1}
      aria-label={`${withoutDirections(name)}, ${timeText(at, "clock", Date.now())}`}
      aria-describedby={textId}
      aria-current={isHighlighted ? "true" : undefined}
      {...attributes}
      onClick={(event) => {
        if (isTouch() && isBare(event)) openMenu();
      }}
      onKeyDown={(event) => {
        if (event.key !== "Enter" || event.target !== row.current) return;
        event.preventDefault();
        openMenu();
      }}
    >
      {item.grouped ? (
        <span class="msg-when">
          <Time ms={at} style="clock" />
        </span>
      ) : (
        <Avatar id={author?.id ?? ""} name={name} size={36} />
      )}
      <div class="msg-body">
        {!item.grouped && <Head {...{ author, at, name }} />}
        {isGone ? (
          <p id={textId} class="msg-gone">
            Message deleted
          </p>
        ) : (
          <Content {...props} textId={textId} />
        )}
        {item.is === "pending" && item.entry.state === "failed" && (
          <Failed entry={item.entry} deeds={props.deeds} />
        )}
      </div>
      <div class="msg-signs">
        <Sign item={item} />
      </div>
      {isNear && deeds.length > 0 && (
        <MessageTools
          deeds={deeds}
          isActive={isActive}
          opensMenu={opensMenu}
          onMenu={(isOpen) => {
            if (isOpen) return;
            setOpensMenu(false);
            row.current?.focus({ preventScroll: true });
          }}
        />
      )}
    </article>
  );
}

/** Whether somebody points at a message or has the focus in it: only then its buttons are made. */
function useNearness(row: { readonly current: HTMLElement | null }) {
  const [isNear, setNear] = useState(false);
  const attributes = {
    onPointerEnter: ({ pointerType }: PointerEvent) => {
      if (pointerType === "mouse" && !isTouch()) setNear(true);
    },
    onPointerLeave: () => {
      if (row.current?.contains(document.activeElement) !== true) setNear(false);
    },
    onFocusIn: () => setNear(true),
    onFocusOut: ({ relatedTarget: to }: FocusEvent) => {
      const isInside = to instanceof Node && row.current?.contains(to) === true;
      if (!isInside) setNear(row.current?.matches(":hover") === true);
    },
  };
  return { isNear, setNear, attributes };
}

/** A tap on the message itself, not on something in it or to end a selection. */
function isBare(event: MouseEvent): boolean {
  const isOnControl =
    (event.target as Element).closest("a, button, textarea, .code-block") !== null;
  return !isOnControl && document.getSelection()?.isCollapsed !== false;
}

function deedsOf({ item, mayDelete, deeds }: MessageRowProps): readonly MessageDeed[] {
  const copy = (text: string): MessageDeed => ({
    icon: "copy",
    label: "Copy text",
    run: () => deeds.copy(text),
  });
  if (item.is === "pending") return [copy(item.entry.text)];
  const { message, own } = item;
  if (message.deleted === true) return [];
  const all: MessageDeed[] = [
    copy(message.text),
    { icon: "link", label: "Copy link", isRare: true, run: () => deeds.copyLink(message) },
  ];
  if (!own && message.author.deleted !== true) {
    const label = `Message ${withoutDirections(shownName(message.author))}`;
    const run = () => deeds.messageTo(message.author);
    all.push({ icon: "message", label, isRare: true, run });
  }
  if (own) {
    all.push({ icon: "edit", label: "Edit message", hint: "E", run: () => deeds.edit(item.key) });
  }
  if (own || mayDelete) {
    const run = () => deeds.askDelete(message);
    all.push({ icon: "trash", label: "Delete message", hint: "Del", run });
  }
  return all;
}

type HeadProps = { author: Author | undefined; at: number; name: string };

function Head({ author, at, name }: HeadProps) {
  const isGone = author?.deleted === true;
  return (
    <p class="msg-head">
      <span
        class={classes("msg-author", isGone && "msg-gone")}
        title={isGone || author === undefined ? undefined : `@${author.name}`}
      >
        <bdi>{isGone ? "Deleted account" : name}</bdi>
      </span>
      <span class="msg-time">
        <Time ms={at} style="clock" />
      </span>
    </p>
  );
}

function Content({
  item,
  me,
  isActive,
  isEditing,
  deeds,
  textId,
}: MessageRowProps & { textId: string }) {
  if (item.is === "message" && isEditing) {
    const { key, message } = item;
    return (
      <MessageEdit
        text={message.text}
        onSave={(text) => deeds.save(key, text)}
        onEmpty={() => {
          deeds.endEdit(key);
          deeds.askDelete(message);
        }}
        onEnd={() => deeds.endEdit(key)}
      />
    );
  }
  const { text } = item.is === "message" ? item.message : item.entry;
  const tags = item.is === "message" && <Tags message={item.message} />;
  return <MessageText id={textId} text={text} me={me?.name} {...{ isActive, tags }} />;
}

const LATE =
  "It was sent before the messages around it, and reached this server after they had been shown.";

function Tags({ message: { edited, late } }: { message: Message }) {
  return (
    <>
      {edited === true && <small class="msg-tag">edited</small>}
      {late === true && (
        <small class="msg-tag" title={LATE}>
          arrived late
        </small>
      )}
    </>
  );
}

function Sign({ item }: { item: Said }): ComponentChildren {
  if (item.is === "pending") return <SendingSign state={item.entry.state} />;
  const { own, receipt, message } = item;
  if (!own || receipt === undefined || message.deleted === true) return null;
  return <StoredSign receipt={receipt} />;
}

function Failed({ entry, deeds }: { entry: OutboxEntry; deeds: MessageDeeds }) {
  return (
    <div class="msg-failed">
      <span>Not sent: {textOf(entry.error)}</span>
      <Button onClick={() => deeds.retry(entry)}>Try again</Button>
      <Button kind="quiet" onClick={() => deeds.discard(entry)}>
        Discard
      </Button>
    </div>
  );
}
