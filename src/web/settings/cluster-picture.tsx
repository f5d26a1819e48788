/**
 * The cluster as a drawing: who is there, and who is reached from the server that answers. For the eye only: the list
 * beside it says the same in words, and more.
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

export function ClusterPicture({ status }: { status: ClusterStatus }) {
  const members = status.servers.filter(({ removed }) => !removed);
  const self = members.findIndex(({ link }) => link === "self");
  const servers = [...members.slice(Math.max(self, 0)), ...members.slice(0, Math.max(self, 0))];
  const places = servers.map((server, i) => ({ server, at: placeOf(i, servers.length) }));
  const [own] = places;
  const height = Math.max(...places.map(({ at }) => at.y)) + RADIUS + 30;
  return (
    <svg class="cluster" viewBox={`0 0 ${WIDTH} ${height}`} aria-hidden="true" focusable="false">
      {places.slice(1).map(({ server, at }) => (
        <line
          key={server.name}
          class="cluster-link"
          data-link={server.link}
          x1={own?.at.x}
          y1={own?.at.y}
          x2={at.x}
          y2={at.y}
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
