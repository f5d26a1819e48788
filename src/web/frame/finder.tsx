/**
 * Finds a conversation, a person or a channel by what is typed: a combobox, worked by keyboard alone.
 *
 * Problem: own conversations are here at once, everybody else comes from the server a moment later; who types
 * quickly and presses Enter means what would have been found. Approach: Enter waits for the answer, unless the
 * arrows picked a row already or a name is met exactly. Rejected: opening whatever is first at that moment.
 */
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { Avatar } from "../parts/avatar.tsx";
import { Button } from "../parts/button.tsx";
import { Dialog } from "../parts/dialog.tsx";
import { Field } from "../parts/field.tsx";
import { Icon } from "../parts/icon.tsx";
import { Alert } from "../parts/notice.tsx";
import { useAction, useApp } from "../parts/use.ts";
import { nameProblem } from "../start/name-rules.ts";
import { openDialog } from "./dialogs.ts";
import { type FinderOption, optionName } from "./finder-matches.ts";
import { focusMain } from "./focus.ts";
import { unreadBadge } from "./row-words.ts";
import { useFinder } from "./use-finder.ts";

export type FinderProps = { text: string; onClose: () => void };

export function Finder({ text, onClose }: FinderProps) {
  const app = useApp();
  const list = useId();
  const [typed, setTyped] = useState(text);
  const [picked, setPicked] = useState<number | undefined>(undefined);
  const { options, isBusy, error } = useFinder(typed);
  const active = options.length === 0 ? undefined : Math.min(picked ?? 0, options.length - 1);
  const opening = useAction(async (option: FinderOption) => {
    // What is in the list needs no server to be opened.
    const isListed = app.conversations.byId(option.reference).peek() !== undefined;
    if (isListed) app.place.go({ is: "conversation", id: option.reference });
    else await app.conversations.open(option.reference);
    onClose();
    requestAnimationFrame(focusMain);
  });
  const enter = useEnter(() => {
    if (active !== undefined) opening.run(options[active] as FinderOption);
  }, isBusy);
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.isComposing) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key === "Enter") enter(picked !== undefined || isExact(options[0], typed));
    else if (step !== undefined && active !== undefined) {
      setPicked((active + step + options.length) % options.length);
    } else return;
    event.preventDefault();
  };
  const isNothing = typed.trim() !== "" && options.length === 0 && !isBusy && error === undefined;
  return (
    <Dialog
      title="Find people and channels"
      onClose={onClose}
      actions={<FinderActions typed={typed} isNothing={isNothing} />}
    >
      <Field
        label="Name"
        hideLabel
        placeholder="A name, or part of one"
        leading={<Icon name="search" size={18} />}
        value={typed}
        role="combobox"
        aria-expanded={options.length > 0}
        aria-controls={list}
        aria-autocomplete="list"
        aria-activedescendant={active === undefined ? undefined : `${list}-${active}`}
        autocomplete="off"
        autocapitalize="none"
        spellcheck={false}
        maxLength={64}
        enterkeyhint="go"
        onInput={(event) => {
          setTyped(event.currentTarget.value);
          setPicked(undefined);
        }}
        onKeyDown={onKeyDown}
      />
      {(opening.error ?? error) !== undefined && (
        <Alert kind={opening.error === undefined ? "warn" : "error"}>
          {opening.error ?? error}
        </Alert>
      )}
      <Options {...{ list, options, active }} onChoose={opening.run} />
      <p class={isNothing ? "finder-nothing" : "unseen"} role="status">
        {isNothing && "Nobody and no channel found"}
      </p>
    </Dialog>
  );
}

/** Enter now, or as soon as the answer is there. */
function useEnter(open: () => void, isBusy: boolean): (atOnce: boolean) => void {
  const waits = useRef(false);
  useEffect(() => {
    if (isBusy || !waits.current) return;
    waits.current = false;
    open();
  }, [isBusy]);
  return (atOnce) => {
    if (atOnce || !isBusy) open();
    else waits.current = true;
  };
}

function isExact(option: FinderOption | undefined, typed: string): boolean {
  const text = typed.trim().toLowerCase();
  return option !== undefined && (option.handle === text || option.handle.slice(1) === text);
}

type OptionsProps = {
  list: string;
  options: readonly FinderOption[];
  active: number | undefined;
  onChoose: (option: FinderOption) => void;
};

function Options({ list, options, active, onChoose }: OptionsProps) {
  useEffect(() => {
    document.getElementById(`${list}-${active}`)?.scrollIntoView({ block: "nearest" });
  }, [active, list]);
  return (
    <div id={list} class="finder-options" role="listbox" aria-label="Results">
      {options.map((option, index) => (
        // biome-ignore lint/a11y/useKeyWithClickEvents: the combobox has the focus and the keys
        // biome-ignore lint/a11y/useFocusableInteractive: the combobox has the focus and the keys
        <div
          key={`${option.kind} ${option.id}`}
          id={`${list}-${index}`}
          class="finder-option"
          role="option"
          aria-selected={index === active}
          onPointerDown={(event) => event.preventDefault()}
          onClick={() => onChoose(option)}
        >
          <span class="unseen">{optionName(option)}</span>
          <OptionWords option={option} />
        </div>
      ))}
    </div>
  );
}

function OptionWords({ option }: { option: FinderOption }) {
  const { id, kind, handle, detail, online, joined, unread } = option;
  const title = kind === "person" ? detail || handle.slice(1) : handle.slice(1);
  const about = kind === "person" ? handle : detail;
  return (
    <>
      <Avatar id={id} name={title} kind={kind} online={online} size={32} />
      <span class="finder-words" aria-hidden="true">
        <bdi class="finder-title">{title}</bdi>
        <bdi class="finder-about">{about}</bdi>
      </span>
      {!joined && (
        <span class="finder-tag" aria-hidden="true">
          {kind === "private" ? "Invited" : "Not joined"}
        </span>
      )}
      {unread > 0 && (
        <span class="convo-badge" aria-hidden="true">
          {unreadBadge(unread)}
        </span>
      )}
    </>
  );
}

/** Where to go on when it is not among what was found. */
function FinderActions({ typed, isNothing }: { typed: string; isNothing: boolean }) {
  const name = typed.trim().replace(/^#/, "").toLowerCase();
  const canMake = isNothing && !typed.startsWith("@") && nameProblem(name) === undefined;
  return (
    <div class="finder-more">
      <Button kind="quiet" icon="compass" onClick={() => openDialog("browse")}>
        Browse channels
      </Button>
      <Button
        kind="quiet"
        icon="plus"
        onClick={() => openDialog("new-channel", canMake ? name : "")}
      >
        {canMake ? `Make channel #${name}` : "New channel"}
      </Button>
    </div>
  );
}
