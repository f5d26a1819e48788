/**
 * The way in: signing in, or making an account, in one card.
 *
 * Which of both comes first follows from what is known: an invitation's link, and a server that has no
 * administrator yet, lead to a new account. What the server says of itself decides what is asked for; until it
 * can be reached the form is there all the same, and the page says that it goes on trying.
 */
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { ConnectionSign } from "../frame/connection-sign.tsx";
import { Button } from "../parts/button.tsx";
import { Alert, Spinner } from "../parts/notice.tsx";
import { useApp } from "../parts/use.ts";
import { lastName } from "./last-name.ts";
import { SignInForm } from "./sign-in-form.tsx";
import { isSetupCode, SignUpForm } from "./sign-up-form.tsx";

const PATIENCE_MS = 1_500;

export function SignIn() {
  const { session, place } = useApp();
  const at = place.current.value;
  const code = at.is === "invite" ? at.code : "";
  const phase = session.phase.value;
  const [chosen, choose] = useState<"in" | "up" | undefined>(undefined);
  useEffect(() => {
    if (code !== "") choose("up");
  }, [code]);
  const hello = session.hello.value;
  const isPatient = usePatience();
  // Which card comes first is the server's to say: it is not changed under anybody's hands.
  const isUndecided = chosen === undefined && code === "" && lastName() === "";
  if (phase.is === "loading" || (hello === undefined && isUndecided && isPatient)) {
    return <Loading />;
  }
  const isFirstVisit = hello?.setup === true && lastName() === "";
  const first = code !== "" || isFirstVisit ? "up" : "in";
  const isSignUp = (chosen ?? first) === "up";
  return (
    <Card title={isSignUp ? "Create an account" : "Sign in"} turn={chosen !== undefined}>
      {phase.is === "signed_out" && phase.reason !== undefined && !isSignUp && (
        <Alert kind="info">{phase.reason}</Alert>
      )}
      {isSignUp ? (
        <SignUp code={code} onSignIn={() => choose("in")} />
      ) : (
        <SignInPart onSignUp={() => choose("up")} />
      )}
    </Card>
  );
}

/** True for as long as a first look may wait for the server. */
function usePatience(): boolean {
  const [isPatient, setPatient] = useState(true);
  useEffect(() => {
    const timer = setTimeout(() => setPatient(false), PATIENCE_MS);
    return () => clearTimeout(timer);
  }, []);
  return isPatient;
}

function SignInPart({ onSignUp }: { onSignUp: () => void }) {
  const { session } = useApp();
  const signUp = session.hello.value?.signUp;
  return (
    <>
      <SignInForm />
      <div class="start-other">
        {signUp === "closed" && (
          <p>This server takes no new accounts. If you need one, ask who runs it.</p>
        )}
        {signUp !== undefined && signUp !== "closed" && (
          <Button onClick={onSignUp}>Create an account</Button>
        )}
      </div>
    </>
  );
}

function SignUp({ code, onSignIn }: { code: string; onSignIn: () => void }) {
  const { session } = useApp();
  const hello = session.hello.value;
  const isNew = hello?.setup === true;
  const isOpen = hello === undefined || hello.signUp === "open";
  const isClosed = hello?.signUp === "closed" && code === "" && !isNew;
  return (
    <>
      {isNew && <Setup code={code} />}
      {isClosed ? (
        <p>This server takes no new accounts. If you need one, ask who runs it.</p>
      ) : (
        <SignUpForm key={code} code={code} needsCode={!isOpen} isNew={isNew} />
      )}
      <div class="start-other">
        <Button onClick={onSignIn}>Sign in instead</Button>
      </div>
    </>
  );
}

/** A server without an administrator: how the first one is made. */
function Setup({ code }: { code: string }) {
  if (isSetupCode(code)) {
    return (
      <Alert kind="info">
        This server is new. The account that you make now will be its administrator.
      </Alert>
    );
  }
  if (code !== "") return null;
  return (
    <Alert kind="info">
      This server has no administrator yet. To become it, open the address that the server printed
      when it started, or type its code below. An account that is there already becomes it by{" "}
      <code>holdfast admin grant NAME</code>, where the server runs.
    </Alert>
  );
}

/** `turn`: it took the place of another card, and takes the focus. */
function Card(props: { title: string; turn: boolean; children: ComponentChildren }) {
  const { title, turn, children } = props;
  const heading = useRef<HTMLHeadingElement>(null);
  const main = useRef<HTMLElement>(null);
  useEffect(() => {
    document.title = `${title} · Holdfast`;
    const fields = [...(main.current?.querySelectorAll("input") ?? [])];
    const target = fields.find(({ value }) => value === "") ?? fields[0];
    // A keyboard that comes up by itself would hide what the page is.
    if (turn || !matchMedia("(pointer: coarse)").matches) (target ?? heading.current)?.focus();
  }, [title]);
  return (
    <div class="start">
      <main ref={main} class="start-card" aria-label={title}>
        <p class="start-brand">
          <Brand />
        </p>
        <h1 ref={heading} tabIndex={-1}>
          {title}
        </h1>
        {children}
        <Reach />
      </main>
    </div>
  );
}

function Brand() {
  return (
    <>
      <img class="brand-sign" src="/icon.svg" alt="" width={32} height={32} />
      Holdfast
    </>
  );
}

/** Says so when the server cannot be reached, and that it is tried again. */
function Reach() {
  const { connection, session } = useApp();
  const kind = connection.kind.value;
  const isAway = kind === "waiting" || kind === "offline";
  if (!isAway && (session.hello.value !== undefined || !connection.isTroubled.value)) return null;
  return (
    <div class="start-reach">
      <ConnectionSign />
      <p>
        {kind === "offline"
          ? "The server cannot be reached without a network. What you typed stays here."
          : "The server cannot be reached. It is tried again by itself; what you typed stays here."}
      </p>
    </div>
  );
}

function Loading() {
  return (
    <main class="start start-loading" aria-label="Loading">
      <h1 class="start-brand">
        <Brand />
      </h1>
      <Spinner label="Loading" />
      <Reach />
    </main>
  );
}
