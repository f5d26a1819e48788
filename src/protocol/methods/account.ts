import Type from "typebox";
import {
  Account,
  cursored,
  DisplayName,
  Label,
  ListedAccount,
  Name,
  NewPassword,
  PageLimit,
  Password,
  RequestIdText,
  reading,
  receipted,
  SessionIdText,
  Shape,
  Token,
  Wildcard,
} from "../schema.ts";

export const signedIn = {
  account: Account,
  session: SessionIdText,
  token: Token,
};

export const accountMethods = {
  "account.create": {
    summary: "Makes an account and opens a session on it; signs a WebSocket in.",
    params: Shape({
      name: Name,
      password: NewPassword,
      displayName: Type.Optional(DisplayName),
      invitation: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
      label: Type.Optional(Label),
      id: RequestIdText,
    }),
    result: Shape({ ...signedIn, ...receipted, ...cursored }),
  },
  "account.list": {
    summary: "Accounts by wildcard, sorted by name.",
    params: Shape({
      match: Type.Optional(Wildcard),
      limit: Type.Optional(PageLimit),
      after: Type.Optional(Type.String({ maxLength: 64 })),
      ...reading,
    }),
    result: Shape({
      accounts: Type.Array(ListedAccount),
      next: Type.Optional(Type.String({ description: "the `after` of the next page" })),
      ...cursored,
    }),
  },
  "account.update": {
    summary: "Changes the own display name.",
    params: Shape({ displayName: DisplayName, id: RequestIdText }),
    result: Shape({ account: Account, ...receipted, ...cursored }),
  },
  "account.rename": {
    summary: "Changes the own name; the old one becomes free.",
    params: Shape({ name: Name, id: RequestIdText }),
    result: Shape({ account: Account, ...receipted, ...cursored }),
  },
  "account.password": {
    summary: "Changes the own password; ends the account's other sessions.",
    params: Shape({ password: Password, newPassword: NewPassword, id: RequestIdText }),
    result: Shape({ ...receipted, ...cursored }),
  },
  "account.delete": {
    summary:
      "Deletes the own account; with `erase` the text of all its messages leaves the disk as well.",
    params: Shape({
      password: Password,
      erase: Type.Optional(Type.Boolean()),
      id: RequestIdText,
    }),
    result: Shape({ ...receipted }),
  },
} as const;
