/** Settings of the cluster that admins change while it runs. */
import Type from "typebox";
import { merge } from "../core/register.ts";
import { declareKind } from "./kind.ts";
import { Version } from "./schema.ts";

export const settingSet = declareKind({
  number: 70,
  name: "setting.set",
  scope: "none",
  data: Type.Object({
    key: Type.String({ maxLength: 40 }),
    value: Type.String({ maxLength: 400 }),
    version: Version,
  }),
  body: null,
  subjects: (parsed) => [{ table: "setting", key: parsed.data.key }],
  apply(view, parsed, subject) {
    if (subject.table !== "setting") return;
    const { value, version } = parsed.data;
    view.put(
      "setting",
      subject.key,
      merge(view.get("setting", subject.key), { value, version, at: parsed.at }),
    );
  },
});
