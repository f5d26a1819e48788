/** Letting people join a channel: names are typed and put in, one after the other, then all are invited. */
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { Button, IconButton } from "../parts/button.tsx";
import { Dialog } from "../parts/dialog.tsx";
import { Field } from "../parts/field.tsx";
import { Icon } from "../parts/icon.tsx";
import { Alert } from "../parts/notice.tsx";
import { useAction, useApp } from "../parts/use.ts";
import type { ConversationState } from "../state/conversations.ts";
import type { Suggestion } from "./completion.ts";
import { optionId, SuggestionList } from "./suggestion-list.tsx";
import { useSuggestions } from "./use-suggestions.ts";

export type InviteDialogProps = { channel: ConversationState; onClose: () => void };

export function InviteDialog({ channel, onClose }: InviteDialogProps) {
  const { channels, alerts } = useApp();
  const field = useRef<HTMLInputElement>(null);
  const [typed, setTyped] = useState("");
  const [meant, setMeant] = useState<readonly string[]>([]);
  const name = typed.trim().replace(/^@/, "").toLowerCase();
  const put = (handle: string) => {
    setMeant((before) => [...before.filter((other) => other !== handle), handle]);
    setTyped("");
    field.current?.focus();
  };
  const all = name === "" ? meant : [...meant.filter((other) => other !== `@${name}`), `@${name}`];
  const invite = useAction(async () => {
    for (const handle of all) {
      await channels.invite(channel.id, handle);
      // Of several, those that are done are not done again when one cannot be.
      setMeant((before) => before.filter((other) => other !== handle));
    }
    alerts.show({ kind: "good", text: `Invited to ${channel.handle}: ${all.join(", ")}` });
    onClose();
  });
  return (
    <Dialog
      title={`Invite people to ${channel.handle}`}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button
            kind="primary"
            busy={invite.busy}
            disabled={all.length === 0}
            onClick={() => invite.run()}
          >
            Invite
          </Button>
        </>
      }
    >
      <p class="side-quiet">
        {channel.private === true
          ? "Who is invited finds this channel in the list of conversations and can join it."
          : "Everybody can join this channel. Who is invited finds it in the list of conversations."}
      </p>
      {meant.length > 0 && (
        <ul class="meant" aria-label="To be invited">
          {meant.map((handle) => (
            <li key={handle}>
              {handle}
              <IconButton
                icon="close"
                label={`Take ${handle} out`}
                size={14}
                onClick={() => setMeant(meant.filter((other) => other !== handle))}
              />
            </li>
          ))}
        </ul>
      )}
      <NameField {...{ channel, field, typed, name, meant }} onType={setTyped} onPut={put} />
      {invite.error !== undefined && <Alert kind="error">{invite.error}</Alert>}
    </Dialog>
  );
}

type NameFieldProps = {
  channel: ConversationState;
  field: { readonly current: HTMLInputElement | null };
  typed: string;
  name: string;
  meant: readonly string[];
  onType: (typed: string) => void;
  onPut: (handle: string) => void;
};

/** Finds people who are not in the channel, and not among those who are meant already. */
function NameField({ channel, field, typed, name, meant, onType, onPut }: NameFieldProps) {
  const list = useId();
  const [chosen, setChosen] = useState(0);
  const members = useApp().people.membersOf(channel.id).members.value;
  const isIn = new Set(
    members.filter(({ standing }) => standing !== "banned").map((member) => `@${member.name}`),
  );
  const wanted = { is: "person", query: name, from: 0, to: typed.length } as const;
  const suggestions = useSuggestions(name === "" ? undefined : wanted, channel).filter(
    ({ handle }: Suggestion) => !isIn.has(handle) && !meant.includes(handle),
  );
  const count = suggestions.length;
  const at = Math.min(chosen, count - 1);
  useEffect(() => setChosen(0), [name]);
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.isComposing) return;
    if (event.key === "ArrowDown" && count > 0) setChosen((at + 1) % count);
    else if (event.key === "ArrowUp" && count > 0) setChosen((at - 1 + count) % count);
    else if (event.key === "Enter" && name !== "") onPut(suggestions[at]?.handle ?? `@${name}`);
    else return;
    event.preventDefault();
  };
  return (
    <>
      <Field
        ref={field}
        label="Name"
        leading={<Icon name="search" size={18} />}
        autocapitalize="none"
        spellcheck={false}
        maxLength={64}
        role="combobox"
        aria-autocomplete="list"
        aria-expanded={count > 0}
        aria-controls={count > 0 ? list : undefined}
        aria-activedescendant={at >= 0 ? optionId(list, at) : undefined}
        value={typed}
        onInput={(event) => onType(event.currentTarget.value)}
        onKeyDown={onKeyDown}
      />
      {count > 0 && (
        <SuggestionList
          id={list}
          suggestions={suggestions}
          chosen={at}
          onTake={({ handle }) => onPut(handle)}
        />
      )}
    </>
  );
}
