/**
 * Why there is no link, as a code and in words that both ends can log: who refused whom is all that differs.
 */
import { SERVERS_MAX } from "../core/limits.ts";
import type { Hello } from "../protocol/peer-hello.ts";

/** Said by one server to another, or to itself of the other. */
export const LINK_REFUSALS = [
  "other_cluster", // the secrets are not the same
  "wrong_secret", // it says it is of this cluster, and does not know the secret
  "old_secret", // it knows one from before a change, and its key is not recorded here
  "token_unknown", // a join token that was not made here
  "token_expired",
  "token_spent", // another server joined with it
  "not_stored", // whoever would let it in can't write that down
  "full", // the cluster has as many servers as it can have
  "wrong_key", // not the key that the cluster knows this server by
  "version", // no version of the links that both speak
  "removed", // an administrator removed it
  "clock", // too far off to join
  "name_in_use", // another live server goes by this name
  "copied_store", // its log is a copy of this server's own
  "itself", // the address leads back here
  "duplicate", // there is a link already
  "malformed", // it does not speak as a server does
  "too_slow", // the handshake did not come to its end
  "busy", // too many servers, or too many handshakes
] as const;
export type LinkRefusal = (typeof LINK_REFUSALS)[number];

/** Why a connection was not made or not kept, besides refusals. */
export type DialProblem =
  | "connection_refused"
  | "no_route"
  | "timed_out"
  | "unknown_host"
  | "tls"
  | "not_ready"
  | "not_holdfast"
  | "severed" // by whoever started this server: Mesh.sever
  | "failed"
  | "lost";

export type LinkProblem = LinkRefusal | DialProblem;

/** Nothing is wrong: these are neither logged nor shown. */
export const QUIET_REFUSALS: ReadonlySet<LinkProblem> = new Set(["itself", "duplicate"]);

export function isLinkRefusal(code: string): code is LinkRefusal {
  return LINK_REFUSALS.some((known) => known === code);
}

type Named = Pick<Hello, "server" | "versionMin" | "versionMax" | "wallMs" | "joins">;

/** What was wrong, the same words at both ends; null for an end that said nothing. */
export function refusalWords(
  code: LinkRefusal,
  refuser: Named | null,
  refused: Named | null,
): string {
  const who = refused === null ? "it" : `server ${refused.server}`;
  const whose = refuser === null ? "the other one's" : `server ${refuser.server}'s`;
  const joins = refuser?.joins || refused?.joins;
  switch (code) {
    case "other_cluster":
      if (joins) return "the join token is of another cluster than the server that it leads to";
      return `${who} does not have ${whose} secret: another cluster, or a wrong --secret-file`;
    case "wrong_secret":
      return `${who} names ${whose} cluster and does not know its secret`;
    case "old_secret":
      return `the secrets of ${who} and of ${whose.replace(/'s$/, "")} are of before and after a change, and one of the two has no record of the other: let the one that was away join anew, with a token of \`holdfast invite\``;
    case "token_unknown":
      return `${whose.replace(/'s$/, "")} made no such join token, or its data was made anew since: make one by \`holdfast invite\``;
    case "token_expired":
      return "the join token has expired: make another by `holdfast invite`";
    case "token_spent":
      return "another server has joined with this token: make one for each by `holdfast invite`";
    case "not_stored":
      return `${whose.replace(/'s$/, "")} could not store that ${who} joins: look at its disk and its log, then try again`;
    case "full":
      return `the cluster has ${SERVERS_MAX} servers, as many as it can have: remove one first`;
    case "wrong_key":
      if (refuser?.joins)
        return `${who} is not the one that made the join token: its key is another`;
      if (joins) {
        const name = refused?.server;
        return `the cluster has a server ${name} with another key: \`holdfast remove ${name}\` there, or give this one another name`;
      }
      return `${who} does not have the key that the cluster knows this name by: it is another server, or its data was made anew`;
    case "version":
      return `${versionsOf(refused)} and ${versionsOf(refuser)} have no version of the links in common: upgrade the older one`;
    case "removed":
      return `${who} was removed from the cluster`;
    case "clock":
      return `${who} can't join: its clock and ${whose} are ${apart(refuser, refused)} apart; set them right`;
    case "name_in_use":
      return `another live server goes by the name ${refused?.server ?? "that it gives"}: give each its own`;
    case "copied_store":
      return `the data of ${who} is a copy of ${whose} own: run one of the two`;
    case "itself":
      return "the address leads back to this server";
    case "duplicate":
      return "there is a link already";
    case "malformed":
      return `${who} does not speak as a server of Holdfast does`;
    case "too_slow":
      return `${who} did not finish the handshake in time`;
    case "busy":
      return "too many servers or handshakes at once";
  }
}

function versionsOf(hello: Named | null): string {
  if (hello === null) return "the other one";
  const { server, versionMin, versionMax } = hello;
  return `server ${server} (versions ${versionMin} to ${versionMax})`;
}

function apart(a: Named | null, b: Named | null): string {
  if (a === null || b === null) return "more than 5 min";
  return `${Math.round(Math.abs(a.wallMs - b.wallMs) / 1000)} s`;
}

export function problemWords(problem: DialProblem): string {
  switch (problem) {
    case "connection_refused":
      return "nothing listens there: the server does not run, or its address is another one";
    case "no_route":
      return "there is no route to this address";
    case "timed_out":
      return "no answer: is a firewall in between, or the machine off?";
    case "unknown_host":
      return "no address is known for this name";
    case "tls":
      return "no secure connection: check its certificate, and --peer-ca";
    case "not_ready":
      return "it is starting or stopping";
    case "not_holdfast":
      return "something answers there that takes no links: another program, or an older release";
    case "severed":
      return "the link is cut by hand, to try what happens then";
    case "failed":
      return "the connection failed";
    case "lost":
      return "the link was lost";
  }
}
