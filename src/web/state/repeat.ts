/**
 * Calls that are repeated when their outcome is unknown.
 *
 * `indefinite` is honest, and of no use to somebody who pressed a button. Under one request id a write has one
 * effect, however often it is asked for: so the page asks again, a few times, before it says that it does not know.
 */
import { type CallParams, type Client, HoldfastError, type Result } from "../../client/index.ts";

const REPEATS_MAX = 2;

/** Methods that check a password or end the session: their repeat may be told something else. */
type Unrepeatable = "account.password" | "account.delete" | "session.close" | "session.resume";
type Method = Exclude<Parameters<Client["call"]>[0], Unrepeatable>;

export async function settled<M extends Method>(
  client: Client,
  method: M,
  params: CallParams<M>,
  deadlineMs?: number,
): Promise<Result<M>> {
  const options = deadlineMs === undefined ? {} : { deadlineMs };
  const call = (id?: string) => {
    const values = id === undefined ? params : { ...params, id };
    return client.call<Method>(method, values as CallParams<Method>, options) as Promise<Result<M>>;
  };
  let id: string | undefined;
  for (let left = REPEATS_MAX; ; left--) {
    try {
      return await call(id);
    } catch (error) {
      if (!(error instanceof HoldfastError) || error.code !== "indefinite" || left === 0)
        throw error;
      // Without a connection a repeat would only wait for it, with somebody before a spinner.
      const isReachable = client.connection.state === "live" || client.connection.state === "idle";
      if (error.requestId === undefined || !isReachable) throw error;
      id = error.requestId;
    }
  }
}
