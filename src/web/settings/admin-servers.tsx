/**
 * The servers of the cluster, live, as the one that this page is connected to sees them. What changes all the time
 * (lag, milliseconds) is for who looks; what matters (who is in sync, what may still fail) is also read out.
 */
import { useEffect, useState } from "preact/hooks";
import { Icon } from "../parts/icon.tsx";
import { Alert, Retry, Spinner } from "../parts/notice.tsx";
import { useAction, useApp } from "../parts/use.ts";
import type { ClusterStatus } from "../state/admin.ts";
import { ClusterPicture } from "./cluster-picture.tsx";
import { Section } from "./pane.tsx";
import { facts, isWell, type Server, stateWords, strangers, summary } from "./server-words.ts";

const LOOK_MS = 2_000;

export function AdminServers() {
  const { admin, connection, session } = useApp();
  const [status, setStatus] = useState<ClusterStatus | undefined>(undefined);
  const { run: load, error } = useAction(async () => setStatus(await admin.cluster()));
  useEffect(() => load(), [session.hello.value?.servers, connection.status.value.name]);
  useEffect(() => {
    const look = () => {
      if (document.visibilityState === "visible") load();
    };
    const timer = setInterval(look, LOOK_MS);
    return () => clearInterval(timer);
  }, []);
  return (
    <Section title="Servers">
      {error !== undefined && <Retry error={error} onRetry={load} />}
      {status === undefined && error === undefined && <Spinner label="Loading the servers" />}
      {status !== undefined && (
        <Cluster status={status} isLive={connection.kind.value === "live"} />
      )}
    </Section>
  );
}

function Cluster({ status, isLive }: { status: ClusterStatus; isLive: boolean }) {
  const others = strangers(status);
  return (
    <div class="cluster-view">
      <p role="status" aria-label="Cluster">
        {summary(status)}
        {!isLive && " This is how it was before the connection was lost."}
      </p>
      {status.servers.length > 1 && <ClusterPicture status={status} />}
      <ul class="servers" aria-label="Servers">
        {status.servers.map((server) => (
          <ServerCard key={server.name} status={status} server={server} />
        ))}
      </ul>
      {others.length > 0 && (
        <Alert kind="warn">
          <ul>
            {others.map((words) => (
              <li key={words}>{words}</li>
            ))}
          </ul>
        </Alert>
      )}
    </div>
  );
}

type CardProps = { status: ClusterStatus; server: Server };

function ServerCard({ status, server }: CardProps) {
  const { name, url, link } = server;
  const isGood = isWell(status, server);
  return (
    <li class="server">
      <h3>
        <Icon name={isGood ? "server" : "alert"} size={18} />
        <bdi>{name}</bdi>
        {name === status.leader && <span class="tag">leader</span>}
        {link === "self" && <span class="tag">you are here</span>}
      </h3>
      <p class={isGood ? "server-state" : "server-state server-warn"}>
        {stateWords(status, server)}
      </p>
      <dl class="server-facts">
        {facts(server).map(([label, value]) => (
          <div key={label}>
            <dt>{label}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <p class="quiet server-url">{url}</p>
    </li>
  );
}
