/** The table of methods and events as a document for other people's tools (https://spec.open-rpc.org). */
import { REFUSAL_CODES } from "../core/errors.ts";
import { events } from "../protocol/events.ts";
import { methods } from "../protocol/methods.ts";
import { RPC_CODES } from "../protocol/rpc.ts";
import { PROTOCOL_VERSION } from "../protocol/version.ts";

type ObjectSchema = {
  readonly properties: Record<string, unknown>;
  readonly required?: readonly string[];
};

/** The members of a params object, one by one, as OpenRPC wants them. */
function paramsOf(schema: ObjectSchema) {
  return Object.entries(schema.properties).map(([name, member]) => ({
    name,
    required: schema.required?.includes(name) === true,
    schema: member,
  }));
}

/** JSON text. `url` is where the server that gives it is found. */
export function openrpcDocument(version: string, url: string): string {
  const calls = Object.entries(methods).map(([name, { summary, params, result }]) => ({
    name,
    summary,
    paramStructure: "by-name",
    params: paramsOf(params as ObjectSchema),
    result: { name: "result", schema: result },
    errors: REFUSAL_CODES.map((code) => ({ $ref: `#/components/errors/${code}` })),
  }));
  const notices = Object.entries(events).map(([name, { summary, params }]) => ({
    name,
    summary,
    "x-notification": true,
    paramStructure: "by-name",
    params: paramsOf(params as ObjectSchema),
  }));
  const errors = REFUSAL_CODES.map((code) => [
    code,
    { code: RPC_CODES[code], message: code, data: { code } },
  ]);
  return JSON.stringify({
    openrpc: "1.3.2",
    info: {
      title: "Holdfast",
      version: String(PROTOCOL_VERSION),
      description: `Client protocol ${PROTOCOL_VERSION} of Holdfast ${version}. Methods marked x-notification are sent by the server, over WebSocket only.`,
    },
    servers: [
      { name: "HTTP", url: `${url}/v1/rpc` },
      { name: "WebSocket", url: `${url.replace(/^http/, "ws")}/v1/ws` },
    ],
    methods: [...calls, ...notices],
    components: { errors: Object.fromEntries(errors) },
  });
}
