/**
 * The cluster as a drawing: who is there, and who hears whom, as the server that answers knows it. For the eye only:
 * the list beside it says the same in words, and more.
 */
import type { ClusterStatus } from "../state/admin.ts";
import { isWell, type Server } from "./server-words.ts";

const WIDTH = 320;
const HEIGHT = 210;
const RADIUS = 24;
const NAME_MAX = 12;

type Point = { x: number; y: number };

/** The server that answers stands on top, the others follow clockwise. */
function placeOf(at: number, of: number): Point {
  const angle = (2 * Math.PI * at) / of - Math.PI / 2;
  const wide = of === 1 ? 0 : 1;
  return {
    x: WIDTH / 2 + wide * 112 * Math.cos(angle),
    y: HEIGHT / 2 + wide * 58 * Math.sin(angle),
  };
}

/** Of two others only what they say of themselves is known, while they are heard. */
function linkOf(one: Server, other: Server): Server["link"] {
  if (one.link === "self") return other.link;
  const told = [one.hears?.includes(other.name), other.hears?.includes(one.name)];
  if (!told.includes(true)) return "none";
  return told.includes(false) ? "suspect" : "live";
}

export function ClusterPicture({ status }: { status: ClusterStatus }) {
  const members = status.servers.filter(({ removed }) => !removed);
  const self = members.findIndex(({ link }) => link === "self");
  const servers = [...members.slice(Math.max(self, 0)), ...members.slice(0, Math.max(self, 0))];
  const places = servers.map((server, i) => ({ server, at: placeOf(i, servers.length) }));
  const pairs = places.flatMap((one, i) => places.slice(i + 1).map((other) => ({ one, other })));
  const height = Math.max(...places.map(({ at }) => at.y)) + RADIUS + 30;
  return (
    <svg class="cluster" viewBox={`0 0 ${WIDTH} ${height}`} aria-hidden="true" focusable="false">
      {pairs.map(({ one, other }) => (
        <line
          key={one.server.name + other.server.name}
          class="cluster-link"
          data-link={linkOf(one.server, other.server)}
          x1={one.at.x}
          y1={one.at.y}
          x2={other.at.x}
          y2={other.at.y}
        />
      ))}
      {places.map(({ server, at }) => (
        <Node key={server.name} status={status} server={server} at={at} />
      ))}
    </svg>
  );
}

type NodeProps = { status: ClusterStatus; server: Server; at: Point };

function Node({ status, server, at }: NodeProps) {
  const { name } = server;
  const isGood = isWell(status, server);
  const shown = name.length > NAME_MAX ? `${name.slice(0, NAME_MAX - 1)}…` : name;
  return (
    <g class="cluster-node" data-well={isGood} transform={`translate(${at.x} ${at.y})`}>
      <circle r={RADIUS} />
      <path d={isGood ? "m-8 1 5.5 5.5L9-7" : "M0-10V2M0 9h.01"} />
      <text y={at.y < HEIGHT / 2 ? -RADIUS - 8 : RADIUS + 18}>
        {shown}
        {name === status.leader && " · leader"}
      </text>
    </g>
  );
}
