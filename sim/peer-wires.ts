/** Links between servers over the simulated network: what the mesh dials, and what it takes. */
import type { AcceptedSocket } from "../src/mesh/accepted-wire.ts";
import type { DialListener } from "../src/mesh/dialled-wire.ts";
import type { Mesh } from "../src/mesh/mesh.ts";
import type { Wire } from "../src/mesh/wire.ts";
import type { End, Frame, Network, Process } from "./network.ts";

const GOING_AWAY = 1001;
const PEER_PATH = "v1/peer";

export function peerAddress(host: string): string {
  return `${host}/${PEER_PATH}`;
}

const bytesOf = (frame: Frame) => (typeof frame === "string" ? null : frame);

/** How this process opens a connection to the server at a URL. */
export function wireDialler(network: Network, process: Process) {
  return (url: string, listener: DialListener): Wire => {
    const end = network.dial(process, peerAddress(new URL(url).hostname), {
      opened: () => listener.opened(),
      received: (frame) => listener.received(bytesOf(frame)),
      closed: () => listener.closed(),
      failed: (why) => listener.failed(why),
    });
    const over = () => {
      if (end.isOver) return;
      end.cut();
      process.clock.schedule(0, () => listener.closed());
    };
    return {
      send: (frame) => end.send(frame),
      get backlogBytes() {
        return end.backlogBytes;
      },
      close: () => end.close(GOING_AWAY),
      cut: over,
    };
  };
}

/** Lets other servers link to this one. */
export function servePeers(network: Network, process: Process, mesh: Mesh): void {
  network.serve(peerAddress(process.host), process, (from, end) => {
    const wire = mesh.accept(from);
    if (wire === null) return null;
    return {
      opened: () => wire.opened(acceptedSocket(end)),
      received: (frame) => wire.received(bytesOf(frame)),
      drained: () => wire.drained(),
      closed: () => wire.closed(),
    };
  });
}

function acceptedSocket(end: End): AcceptedSocket {
  return {
    send: (frame) => {
      end.send(frame);
      return end.isOver ? 0 : frame.length;
    },
    getBufferedAmount: () => end.backlogBytes,
    close: () => end.close(GOING_AWAY),
    terminate: () => end.cut(),
  };
}
