/**
 * What a kind of op is: a number that is never reused, schemas for its data and body, the subjects it is
 * about, and how it merges into each. A fold is total: an op that fits no schema has no effect.
 */
import type { Static, TSchema } from "typebox";
import { Compile } from "typebox/compile";
import { type Op, openBody } from "../core/op.ts";
import { type Position, positionOf } from "../core/position.ts";
import type { FoldView, Subject } from "../core/view.ts";

/** An op whose data and body were checked. */
export type Parsed<D, B> = {
  readonly n: number;
  readonly op: Op;
  readonly at: Position;
  readonly data: D;
  /** null when the kind has none or when it was erased. */
  readonly body: B | null;
};

export interface Kind<D = unknown, B = unknown> {
  readonly number: number;
  readonly name: string;
  /** null for an op that does not fit: wrong data, wrong body, wrong scope. */
  parse(n: number, op: Op): Parsed<D, B> | null;
  subjects(parsed: Parsed<D, B>, view: { readonly hash: FoldView["hash"] }): Subject[];
  /** It ends something for good, and does so also when another op counts for its key. */
  readonly final: boolean;
  /** Merges the op into one of its subjects. Order of ops must not matter. */
  apply(view: FoldView, parsed: Parsed<D, B>, subject: Subject): void;
  /** Whether two requests with one id ask for the same thing; what servers add is left out. */
  same(a: Content<D, B>, b: Content<D, B>): boolean;
}

export type Content<D, B> = {
  readonly scope: Op["scope"];
  readonly data: D;
  readonly body: B | null;
};

type Declared<DS extends TSchema, BS extends TSchema, D, B> = {
  number: number;
  name: string;
  scope: "none" | "account" | "channel" | "conversation";
  data: DS;
  body: BS | null;
  final?: true;
  subjects: Kind<NoInfer<D>, NoInfer<B>>["subjects"];
  apply: Kind<NoInfer<D>, NoInfer<B>>["apply"];
  /** Where not all of data and body is the client's. */
  same?: Kind<NoInfer<D>, NoInfer<B>>["same"];
};

function scopeFits(scope: "none" | "account" | "channel" | "conversation", op: Op): boolean {
  switch (scope) {
    case "none":
      return op.scope === null;
    case "account":
      return op.scope?.startsWith("a_") ?? false;
    case "channel":
      return op.scope?.startsWith("c_") ?? false;
    case "conversation":
      return op.scope !== null;
  }
}

function parseJson(text: string): unknown {
  return text === "" ? {} : JSON.parse(text);
}

/** The members both have, compared by their JSON text, `version` left out. */
function sameMembers(a: unknown, b: unknown): boolean {
  if (a === null || b === null) return true; // erased: what is gone cannot be compared
  const text = (value: unknown) =>
    JSON.stringify(
      Object.entries(value as object)
        .filter(([key]) => key !== "version" && key !== "versions")
        .sort(([x], [y]) => (x < y ? -1 : 1)),
    );
  return text(a) === text(b);
}

export function declareKind<DS extends TSchema, BS extends TSchema, D = Static<DS>, B = Static<BS>>(
  declared: Declared<DS, BS, D, B>,
): Kind<D, B> {
  const checkData = Compile(declared.data);
  const checkBody = declared.body === null ? null : Compile(declared.body);
  return {
    number: declared.number,
    name: declared.name,
    final: declared.final ?? false,
    subjects: declared.subjects,
    apply: declared.apply,
    same:
      declared.same ??
      ((a, b) => a.scope === b.scope && sameMembers(a.data, b.data) && sameMembers(a.body, b.body)),
    parse(n, op) {
      if (!scopeFits(declared.scope, op)) return null;
      try {
        const data: unknown = parseJson(op.data);
        if (!checkData.Check(data)) return null;
        if ((op.bodyHash !== null) !== (checkBody !== null)) return null;
        let body: B | null = null;
        if (op.body !== null && checkBody !== null) {
          const opened: unknown = JSON.parse(openBody(op.body));
          if (!checkBody.Check(opened)) return null;
          body = opened as B;
        }
        return { n, op, at: positionOf(op), data: data as D, body };
      } catch {
        return null; // no JSON, or no UTF-8
      }
    },
  };
}
