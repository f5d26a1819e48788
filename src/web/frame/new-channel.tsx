/** Makes a channel: its name is checked while it is typed, and who may see it is said before it is made. */
import { useState } from "preact/hooks";
import { HoldfastError } from "../../client/index.ts";
import { Button } from "../parts/button.tsx";
import { Dialog } from "../parts/dialog.tsx";
import { Field, Switch } from "../parts/field.tsx";
import { Alert } from "../parts/notice.tsx";
import { useAction, useApp } from "../parts/use.ts";
import { nameHint, nameProblem } from "../start/name-rules.ts";
import { textOf } from "../state/errors.ts";
import { focusMain } from "./focus.ts";

const TOPIC_CHARACTERS_MAX = 250;

function focusName(): void {
  document.querySelector<HTMLElement>("#new-channel input")?.focus();
}

export function NewChannel({ text, onClose }: { text: string; onClose: () => void }) {
  const { channels, place, session } = useApp();
  const [name, setName] = useState(text);
  const [topic, setTopic] = useState("");
  const [isPrivate, setPrivate] = useState(false);
  const [isSubmitted, setSubmitted] = useState(false);
  const [refused, setRefused] = useState<{ name: string; why: string } | undefined>(undefined);
  const bare = name.trim().replace(/^#/, "");
  const problem = isSubmitted || bare !== "" ? nameProblem(bare) : undefined;
  const { run, busy, error } = useAction(async () => {
    const id = await make(() => channels.create({ name: bare, private: isPrivate, topic }));
    if (id === undefined) return;
    place.go({ is: "conversation", id });
    onClose();
    requestAnimationFrame(focusMain);
  });
  /** A name that is taken is shown beside its field; everything else below all fields. */
  const make = async (create: () => Promise<string>): Promise<string | undefined> => {
    try {
      return await create();
    } catch (failure) {
      if (!(failure instanceof HoldfastError) || failure.code !== "name_taken") throw failure;
      setRefused({ name: bare, why: textOf(failure) });
      focusName();
      return undefined;
    }
  };
  const submit = () => {
    setSubmitted(true);
    if (nameProblem(bare) === undefined) run();
    else focusName();
  };
  return (
    <Dialog
      title="New channel"
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" type="submit" form="new-channel" busy={busy}>
            Create channel
          </Button>
        </>
      }
    >
      <form
        id="new-channel"
        class="form"
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          submit();
        }}
      >
        <Field
          label="Name"
          leading={
            <span class="field-sign" aria-hidden="true">
              #
            </span>
          }
          hint={nameHint(bare)}
          error={refused?.name === bare ? refused.why : problem}
          value={name}
          autocapitalize="none"
          spellcheck={false}
          enterkeyhint="done"
          onInput={(event) => setName(event.currentTarget.value)}
        />
        <Field
          label="Topic"
          hint="What it is about. Can be left empty."
          value={topic}
          dir="auto"
          maxLength={session.hello.value?.limits.topicCharactersMax ?? TOPIC_CHARACTERS_MAX}
          onInput={(event) => setTopic(event.currentTarget.value)}
        />
        <Switch
          label="Private"
          hint={
            isPrivate
              ? "Only people who are invited can see it, read it and join. Nobody else learns that it is there."
              : "Everybody with an account here can find it, read it and join."
          }
          checked={isPrivate}
          onChange={setPrivate}
        />
        {error !== undefined && <Alert kind="error">{error}</Alert>}
      </form>
    </Dialog>
  );
}
