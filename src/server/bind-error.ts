/** Why the port could not be opened, and what to do about it. */
import { formatHostPort, type HostPort } from "./address.ts";
import { StartError } from "./exit-codes.ts";

export function bindError(
  { listen, tls }: { readonly listen: HostPort; readonly tls: object | null },
  cause: unknown,
): StartError {
  const { code, message } = cause as { code?: string; message: string };
  const at = formatHostPort(listen);
  if (code === "EADDRINUSE") {
    const remedy = "stop the other program, or give another address by --listen HOST:PORT";
    return new StartError("port_in_use", `another program listens on ${at}`, remedy);
  }
  if (tls !== null && !/^E(ADDR|ACCES|PERM)/.test(code ?? "")) {
    const remedy = "check that --tls-cert and --tls-key are PEM files that belong together";
    return new StartError("tls", `certificate or key can't be used: ${message}`, remedy);
  }
  const remedy =
    "give an address of this machine by --listen HOST:PORT (0.0.0.0 for all); ports below 1024 need a right of their own";
  return new StartError("address_unusable", `can't listen on ${at}: ${message}`, remedy);
}
