/**
 * How the page stands with its server: always there, quiet while all is well.
 *
 * Problem: it must be seen and heard, and must not shout; a countdown read out every second would. Approach: the
 * words that matter are a status of their own; the countdown stands beside it, for the eye only.
 */
import { useEffect, useState } from "preact/hooks";
import { Button } from "../parts/button.tsx";
import { useApp } from "../parts/use.ts";
import type { ConnectionKind } from "../state/connection.ts";
import { FaultBudget } from "./fault-budget.tsx";
import { OtherServers } from "./other-servers.tsx";
import { waitingWords } from "./row-words.ts";

export function ConnectionSign() {
  const { connection, pending } = useApp();
  const kind = connection.kind.value;
  const isAway = kind === "waiting" || kind === "offline";
  const waiting = kind === "live" ? undefined : waitingWords(pending.waiting.value);
  const { name, server } = connection.status.value;
  return (
    <div
      class="connection"
      data-kind={isAway ? "away" : kind}
      title={kind === "live" && name !== undefined ? `Connected to ${name}, ${server}` : undefined}
    >
      <span class="connection-dot" aria-hidden="true" />
      <p role="status" aria-label="Connection" class="connection-words">
        {wordsOf(kind)}
        {waiting !== undefined && `. ${waiting}.`}
      </p>
      {kind === "live" && <FaultBudget />}
      {isAway && <NextAttempt />}
      {isAway && connection.isTroubled.value && <OtherServers />}
    </div>
  );
}

function wordsOf(kind: ConnectionKind): string {
  if (kind === "live") return "Connected";
  return kind === "connecting" ? "Connecting" : "Not connected";
}

function NextAttempt() {
  const { connection } = useApp();
  const seconds = useSecondsUntil(connection.retryAt);
  return (
    <div class="connection-next">
      {connection.kind.value === "offline" ? (
        <span>This device has no network</span>
      ) : (
        seconds !== undefined && <span aria-hidden="true">Next try in {seconds} s</span>
      )}
      <Button class="connection-try" onClick={() => connection.retryNow()}>
        Try now
      </Button>
    </div>
  );
}

/** Whole seconds, at least 1; nothing if there is no such moment. */
function useSecondsUntil(ms: number | undefined): number | undefined {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    if (ms === undefined) return;
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), 500);
    return () => clearInterval(timer);
  }, [ms]);
  return ms === undefined ? undefined : Math.max(1, Math.ceil((ms - now) / 1_000));
}
