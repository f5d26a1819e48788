/** Where else to go while the page's own server is away: known from the last time that it was there. */
import { useApp } from "../parts/use.ts";

export function OtherServers() {
  const { session } = useApp();
  const others = session.elsewhere.value;
  if (others.length === 0) return null;
  return (
    <p class="other-servers">
      This page's server is away. Others may be there, with all your messages; sign in at{" "}
      {others.map(({ name, url }, i) => (
        <span key={url}>
          {i > 0 && ", "}
          <a href={url} rel="noreferrer">
            {name}
          </a>
        </span>
      ))}
    </p>
  );
}
