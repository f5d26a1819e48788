/** Who an example acts as: a kept session, or name and password from the environment. */
import { type Client, HoldfastError } from "holdfast/client";

export const servers = (process.env.HOLDFAST_SERVER ?? "http://127.0.0.1:7300").split(",");

/** Goes on with the kept session, or signs in. */
export async function signIn(client: Client, label: string): Promise<void> {
  await client.ready;
  if (client.token !== undefined) return;
  const { HOLDFAST_NAME: name, HOLDFAST_PASSWORD: password } = process.env;
  if (name === undefined || password === undefined) {
    throw new HoldfastError("invalid", "set HOLDFAST_NAME and HOLDFAST_PASSWORD to sign in");
  }
  await client.signIn({ name, password, label });
}
