import { describe, expect, test } from "bun:test";
import { Compile } from "typebox/compile";
import { REFUSAL_CODES } from "../core/errors.ts";
import { events } from "./events.ts";
import { methods } from "./methods.ts";
import { openrpc } from "./openrpc.ts";

type Descriptor = { name: string; required: boolean; schema: Record<string, unknown> };
type Call = { name: string; summary: string; params: Descriptor[]; errors?: { $ref: string }[] };
type Document = {
  openrpc: string;
  servers?: { url: string }[];
  methods: (Call & { result: Descriptor })[];
  "x-events": Call[];
  components: { errors: Record<string, { code: number; message: string }> };
};

const document = openrpc() as Document;
const method = (name: string) => document.methods.find((found) => found.name === name)!;

describe("the OpenRPC document", () => {
  test("is plain JSON: nothing is lost when it is sent", () => {
    expect(JSON.parse(JSON.stringify(document))).toEqual(document);
    expect(document.openrpc).toMatch(/^1\.3\.\d+$/);
  });

  test("has every method and every event, each once", () => {
    expect(document.methods.map(({ name }) => name)).toEqual(Object.keys(methods));
    expect(document["x-events"].map(({ name }) => name)).toEqual(Object.keys(events));
    for (const { summary } of [...document.methods, ...document["x-events"]]) {
      expect(summary.length).toBeGreaterThan(10);
    }
  });

  test("says which parameters are required", () => {
    const { params } = method("message.history");
    expect(params.map(({ name, required }) => [name, required])).toEqual([
      ["in", true],
      ["before", false],
      ["after", false],
      ["limit", false],
      ["at", false],
    ]);
  });

  test("its schemas accept and refuse what the server's do", () => {
    const id = method("message.post").params.find(({ name }) => name === "id")!;
    const check = Compile(id.schema as never);
    expect(check.Check("0199f2c4-5b7a-7c21-8d3e-2f6a1b0c9d8e")).toBe(true);
    expect(check.Check("0199f2c4-5b7a-4c21-8d3e-2f6a1b0c9d8e")).toBe(false); // a UUIDv4
  });

  test("every error it refers to is there, with a number of its own", () => {
    const { errors } = document.components;
    expect(Object.keys(errors)).toEqual([...REFUSAL_CODES]);
    expect(new Set(Object.values(errors).map(({ code }) => code)).size).toBe(REFUSAL_CODES.length);
    for (const { $ref } of document.methods.flatMap((call) => call.errors ?? [])) {
      expect(errors).toHaveProperty([$ref.replace("#/components/errors/", "")]);
    }
  });

  test("names the server's addresses when they are known", () => {
    expect(document.servers).toBeUndefined();
    const { servers } = openrpc({ release: "1.2.3", url: "https://chat.example" }) as Document;
    expect(servers?.map(({ url }) => url)).toEqual([
      "https://chat.example/v1/rpc",
      "wss://chat.example/v1/ws",
    ]);
  });
});
