/** Ports of this machine that are free, from a wished one on. */
import { createServer } from "node:net";

const PORT_MAX = 65_535;

/** So many ports from `first` on, passing over what is taken; any free ones for 0. Throws if there are none. */
export async function freePorts(host: string, first: number, count: number): Promise<number[]> {
  const found: number[] = [];
  for (let port = first; found.length < count; port++) {
    if (port > PORT_MAX) throw new Error(`no ${count} free ports from ${first} on`);
    const free = await probe(host, first === 0 ? 0 : port);
    if (free !== null && !found.includes(free)) found.push(free);
  }
  return found;
}

/** The port if it can be listened on; for 0 one that the system chose. */
function probe(host: string, port: number): Promise<number | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(null));
    server.listen({ host, port, exclusive: true }, () => {
      const address = server.address();
      const taken = typeof address === "object" && address !== null ? address.port : null;
      server.close(() => resolve(taken));
    });
  });
}
