/**
 * The protocol as an OpenRPC 1.3 document (https://spec.open-rpc.org), made from the schemas, so that it
 * can't say anything else than what is checked.
 *
 * OpenRPC has no word for what a server sends unasked: a method without a result is a notification by the
 * client. Events therefore stand in `x-events`, in the shape of methods, where no generator takes them for
 * something to call.
 */
import { REFUSAL_CODES, RETRYABLE } from "../core/errors.ts";
import { events } from "./events.ts";
import { type MethodName, methods } from "./methods.ts";
import { HTTP_STATUS, RPC_CODES } from "./rpc.ts";
import { PROTOCOL_VERSION } from "./version.ts";

const OPENRPC_VERSION = "1.3.2";

type Members = {
  readonly properties: Readonly<Record<string, unknown>>;
  readonly required?: readonly string[];
};

/** The members of an object as OpenRPC's content descriptors. */
function descriptors(schema: Members): object[] {
  return Object.entries(schema.properties).map(([name, member]) => ({
    name,
    required: schema.required?.includes(name) ?? false,
    schema: member,
  }));
}

function methodObject(name: MethodName): object {
  const { summary, params, result } = methods[name];
  return {
    name,
    summary,
    paramStructure: "by-name",
    params: descriptors(params as Members),
    result: { name: "result", required: true, schema: result },
    errors: REFUSAL_CODES.map((code) => ({ $ref: `#/components/errors/${code}` })),
  };
}

/**
 * A plain JSON value. `release` is the server's, `url` the address that clients use (`http://HOST:PORT`);
 * both may be left out.
 */
export function openrpc(about: { readonly release?: string; readonly url?: string } = {}): object {
  const { release, url } = about;
  const servers = [
    { name: "HTTP", url: `${url}/v1/rpc` },
    { name: "WebSocket", url: `${url?.replace(/^http/, "ws")}/v1/ws` },
  ];
  const document = {
    openrpc: OPENRPC_VERSION,
    info: {
      title: "Holdfast client protocol",
      version: String(PROTOCOL_VERSION),
      description:
        "JSON-RPC 2.0, one request a frame over WebSocket (/v1/ws) or by POST /v1/rpc." +
        (release === undefined ? "" : ` Made by Holdfast ${release}.`),
    },
    ...(url === undefined ? {} : { servers }),
    methods: (Object.keys(methods) as MethodName[]).map(methodObject),
    "x-events": Object.entries(events).map(([name, { summary, params }]) => ({
      name,
      summary,
      paramStructure: "by-name",
      params: descriptors(params as Members),
    })),
    components: {
      errors: Object.fromEntries(
        REFUSAL_CODES.map((code) => [
          code,
          {
            code: RPC_CODES[code],
            message: code,
            data: { code, retry: RETRYABLE[code] },
            "x-http-status": HTTP_STATUS[code],
          },
        ]),
      ),
    },
  };
  // What the schema library adds for itself does not belong into the document.
  return JSON.parse(JSON.stringify(document)) as object;
}
