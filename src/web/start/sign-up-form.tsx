/** A new account: its rules are said beside each field, and checked while it is filled in. */
import { useState } from "preact/hooks";
import { HoldfastError } from "../../client/index.ts";
import { Button } from "../parts/button.tsx";
import { Field } from "../parts/field.tsx";
import { useApp } from "../parts/use.ts";
import { textOf } from "../state/errors.ts";
import { keepLastName } from "./last-name.ts";
import { nameHint, nameProblem } from "./name-rules.ts";
import { PasswordField } from "./password-field.tsx";
import { StartForm } from "./start-form.tsx";

/** Until the server has said its own. */
const LIMITS = {
  passwordCharactersMin: 8,
  passwordCharactersMax: 256,
  displayNameCharactersMax: 64,
};

export type SignUpFormProps = {
  /** From an invitation's link; empty for none. */
  code: string;
  /** The server makes no account without one. */
  needsCode: boolean;
  /** The server has no administrator yet: who has its set-up code becomes one. */
  isNew: boolean;
};

/** What a server prints as long as it has no administrator. */
export function isSetupCode(code: string): boolean {
  return /^\s*setup-/i.test(code);
}

/** What the server refused: said beside its field for as long as it is as it was. */
type Refused = { readonly field: "name" | "code"; readonly value: string; readonly why: string };
type Attempt = { readonly failures: number; readonly error?: string; readonly refused?: Refused };

export function SignUpForm({ code: given, needsCode, isNew }: SignUpFormProps) {
  const { session } = useApp();
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const [displayName, setDisplayName] = useState("");
  const [code, setCode] = useState(given);
  const [isBusy, setBusy] = useState(false);
  const [isChecked, setChecked] = useState(false);
  const [attempt, setAttempt] = useState<Attempt>({ failures: 0 });
  const limits = { ...LIMITS, ...session.hello.value?.limits };
  const bare = name.trim().replace(/^@/, "");
  const invitation = code.trim();
  const refused = (field: Refused["field"], value: string) =>
    attempt.refused?.field === field && attempt.refused.value === value
      ? attempt.refused.why
      : undefined;
  const isMissing = needsCode && invitation === "";
  const errors = {
    name: nameProblem(bare) ?? refused("name", bare),
    password: passwordProblem(password, limits.passwordCharactersMin),
    code: isMissing ? missingCode(isNew) : refused("code", invitation),
  };
  const fail = (more: Omit<Attempt, "failures">) =>
    setAttempt(({ failures }) => ({ failures: failures + 1, ...more }));
  const submit = async () => {
    setChecked(true);
    if ((nameProblem(bare) ?? errors.password) !== undefined || isMissing) return fail({});
    setBusy(true);
    try {
      await session.signUp({
        name: bare,
        password,
        ...(displayName.trim() === "" ? {} : { displayName: displayName.trim() }),
        ...(invitation === "" ? {} : { invitation }),
      });
      keepLastName(bare);
    } catch (failure) {
      setBusy(false);
      fail(whyNot(failure, bare, invitation));
    }
  };
  return (
    <StartForm
      error={attempt.error}
      failures={attempt.failures}
      onSubmit={() => void (isBusy || submit())}
    >
      <Field
        label="Name"
        name="username"
        autocomplete="username"
        autocapitalize="none"
        spellcheck={false}
        enterkeyhint="next"
        hint={nameHint(bare)}
        value={name}
        error={isChecked || bare !== "" ? errors.name : undefined}
        onInput={(event) => setName(event.currentTarget.value)}
      />
      <PasswordField
        label="Password"
        autocomplete="new-password"
        hint={`At least ${limits.passwordCharactersMin} characters. A few words are easy to keep in mind.`}
        maxLength={limits.passwordCharactersMax}
        value={password}
        error={isChecked ? errors.password : undefined}
        onChange={setPassword}
      />
      <Field
        label="Display name"
        name="nickname"
        autocomplete="name"
        hint="Shown instead of the name. Can be left empty."
        dir="auto"
        maxLength={limits.displayNameCharactersMax}
        value={displayName}
        onInput={(event) => setDisplayName(event.currentTarget.value)}
      />
      {(needsCode || isNew || given !== "") && (
        <Field
          label="Invitation code"
          name="invitation"
          autocapitalize="none"
          spellcheck={false}
          maxLength={64}
          hint={given === "" ? codeHint(needsCode, isNew) : undefined}
          value={code}
          error={isChecked ? errors.code : undefined}
          onInput={(event) => setCode(event.currentTarget.value)}
        />
      )}
      <Button type="submit" kind="primary" class="start-submit" busy={isBusy}>
        Create account
      </Button>
    </StartForm>
  );
}

function missingCode(isNew: boolean): string {
  return isNew ? "Type the code that the server printed." : "Ask an administrator for a code.";
}

function codeHint(needsCode: boolean, isNew: boolean): string {
  if (!isNew) return "Who invites you has it, often as a link.";
  const printed = "The code that the server printed makes an administrator.";
  return needsCode ? printed : `${printed} Without it this is an ordinary account.`;
}

/** Where it belongs to one field, it is said there. */
function whyNot(failure: unknown, name: string, code: string): Omit<Attempt, "failures"> {
  const why = textOf(failure);
  const refusal = failure instanceof HoldfastError ? failure.code : undefined;
  if (refusal === "name_taken") return { refused: { field: "name", value: name, why } };
  const isCode = refusal === "forbidden" && code !== "";
  return isCode ? { refused: { field: "code", value: code, why } } : { error: why };
}

function passwordProblem(password: string, atLeast: number): string | undefined {
  if (password === "") return "Choose a password.";
  const missing = atLeast - password.length;
  if (missing <= 0) return undefined;
  return missing === 1 ? "1 more character." : `${missing} more characters.`;
}
