/**
 * One call over HTTP, for scripts and bots that need neither events nor repeats.
 *
 * It is sent once. What it cannot know it does not claim: a write that was not answered rejects as
 * `indefinite`, with the id to repeat it under as `requestId`.
 */
import { errorOf, HoldfastError } from "./error.ts";
import { realClock, realRandom } from "./ports.ts";
import { RequestIds } from "./request-ids.ts";
import { baseOf } from "./servers.ts";
import { type CallParams, isWrite, leavesTraces, type MethodName, type Result } from "./table.ts";
import { errorIn, isRecord } from "./told.ts";

const ids = new RequestIds(realClock, realRandom);

/**
 * Calls a method on one server. `token` may be undefined for methods that need no session; `signal` ends the
 * wait. Throws {@link HoldfastError}.
 */
export async function rpc<M extends MethodName>(
  server: string,
  token: string | undefined,
  method: M,
  params: CallParams<M>,
  options: { signal?: AbortSignal } = {},
): Promise<Result<M>> {
  const base = baseOf(server);
  if (base === null) throw new HoldfastError("invalid", `${server}: no address of a server`);
  const values: Record<string, unknown> = { ...params };
  if (isWrite(method)) values.id ??= ids.next();
  const requestId = typeof values.id === "string" ? values.id : undefined;
  let answer: unknown;
  try {
    const response = await fetch(`${base}/v1/rpc`, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
      body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params: values }),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
    answer = await response.json();
  } catch (error) {
    throw unanswered(method, `no answer from ${base}: ${error}`, requestId);
  }
  const { result, error } = isRecord(answer) ? answer : {};
  if (isRecord(result)) return result as Result<M>;
  const told = errorIn(error);
  if (told.data === undefined) {
    throw unanswered(method, `${base} did not answer as a Holdfast server`, requestId);
  }
  throw errorOf(told, requestId);
}

function unanswered(method: string, why: string, requestId: string | undefined): HoldfastError {
  return new HoldfastError(leavesTraces(method) ? "indefinite" : "unavailable", why, { requestId });
}
