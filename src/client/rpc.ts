/**
 * One call over HTTP, for scripts and bots that need neither events nor repeats.
 *
 * It is sent once. What it cannot know it does not claim: a write that was not answered rejects as
 * `indefinite`, with the id to repeat it under as `requestId`.
 */
import type { RpcResponse } from "../protocol/rpc.ts";
import { errorOf, HoldfastError } from "./error.ts";
import { realClock, realRandom } from "./ports.ts";
import { RequestIds } from "./request-ids.ts";
import { baseOf } from "./servers.ts";
import { type CallParams, isWrite, leavesTraces, type MethodName, type Result } from "./table.ts";

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
  let answer: RpcResponse;
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
    answer = (await response.json()) as RpcResponse;
  } catch (error) {
    throw unanswered(method, `no answer from ${base}: ${error}`, requestId);
  }
  if ("result" in answer) return answer.result as Result<M>;
  if (answer.error?.data === undefined) {
    throw unanswered(method, `${base} did not answer as a Holdfast server`, requestId);
  }
  throw errorOf(answer.error, requestId);
}

function unanswered(method: string, why: string, requestId: string | undefined): HoldfastError {
  return new HoldfastError(leavesTraces(method) ? "indefinite" : "unavailable", why, { requestId });
}
