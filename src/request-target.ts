/** What a target that is a whole URL begins with (RFC 9112, 3.2.2). */
const ORIGIN = /^https?:\/\/([^/?#]*)/i;

/** The host, and its port, that a request's target itself asks for; undefined where it is a path. */
export const hostInTarget = (target: string): string | undefined => ORIGIN.exec(target)?.[1];

/** The path that a request's target asks for, and its query. */
export function pathAndQuery(target: string): string {
  if (target.startsWith("/")) return target;
  const rest = target.replace(ORIGIN, "");
  return rest === target || rest.startsWith("/") ? rest : `/${rest}`;
}

/** The path alone. */
export function pathOf(target: string): string {
  const whole = pathAndQuery(target);
  const query = whole.indexOf("?");
  return query === -1 ? whole : whole.slice(0, query);
}
