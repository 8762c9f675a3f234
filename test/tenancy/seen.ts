import type { ApiAnswer } from "../support/running-broker.ts";

const HOUR_MS = 3_600_000;
const YEAR_MS = 366 * 24 * HOUR_MS;

/** A scenario takes seconds: what is of one hour is at one time. Numbers of the log (S21): renamed by order of appearance. */
const POSITIONS = new Set(["position", "sequence", "revision", "spiffe_sequence"]);
/**
 * Random, salted, or of the millisecond or of a position. Events of one change draw their salts and IDs in the order in which
 * the database gives what it is about.
 */
const UNSTABLE = new Set(["salt", "eventId", "beforeDigest", "afterDigest", "lastUsedAt"]);
/** Of the connection, of when the answer left, or of bytes with positions in them. */
const HEADERS = new Set(["date", "etag", "content-length", "connection", "keep-alive", "ratelimit"]);

/** Makes what one tenant is answered in one world comparable with what it is in another, which began at another time on other ports. */
export function renaming(startedAt: number) {
  const positions = new Map<number, string>();
  const position = (found: number): string => {
    if (!positions.has(found)) positions.set(found, `position ${positions.size}`);
    return positions.get(found) as string;
  };
  const time = (at: number): string | undefined =>
    Math.abs(at - startedAt) < 2 * YEAR_MS ? `hour ${Math.round((at - startedAt) / HOUR_MS)}` : undefined;
  const text = (found: string): string => {
    const [, inPath] = /^\/v1\/audit-events\/(\d+)$/.exec(found) ?? [];
    if (inPath !== undefined) return position(Number(inPath));
    if (/ GMT$/.test(found)) return time(Date.parse(found)) ?? found;
    return found
      .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, (at) => time(Date.parse(at)) ?? at)
      .replace(/^https:\/\/127\.0\.0\.1:\d+/, "https://broker");
  };

  const renamed = (value: unknown, name = ""): unknown => {
    if (value === null || typeof value === "boolean") return value;
    if (UNSTABLE.has(name)) return "unstable";
    if (name === "next") return "cursor";
    if (typeof value === "number") return POSITIONS.has(name) ? position(value) : (time(value) ?? value);
    if (typeof value === "string") return text(value);
    if (Array.isArray(value)) return value.map((one) => renamed(one, name));
    return Object.fromEntries(Object.entries(value as object).map(([key, one]) => [key, renamed(one, key)]));
  };
  const headers = (all: ApiAnswer["headers"]) =>
    Object.fromEntries(
      Object.entries(all)
        .filter(([name]) => !HEADERS.has(name))
        .map(([name, value]) => [name, name === "link" ? "a link" : renamed(value)]),
    );
  return (answer: ApiAnswer): { status: number; headers: unknown; body: unknown } => {
    const { status, headers: sent, text: said, body } = answer;
    // What a dry run would have numbered is nobody's: whatever comes next takes the number.
    if (body?.dryRun === true) return renaming(startedAt)({ ...answer, body: { ...body, dryRun: "yes" } });
    return { status, headers: headers(sent), body: body === undefined ? said : renamed(body) };
  };
}
