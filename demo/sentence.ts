import type { AuditEvent } from "../src/client/schemas.ts";

const FACTS = ["from", "to", "state", "code", "operationId", "role", "cause", "reason"] as const;

/** One line of the audit trail: position, time, on whose behalf, what, about what, and the facts that tell most. */
export function sentenceOf(event: AuditEvent, nameOf: (actorId: string) => string): string {
  const who = event.meshId ?? (event.actor === null ? "" : nameOf(event.actor.id));
  const what = event.type.replace(".", " ").replaceAll("-", " ");
  const facts = FACTS.flatMap((name) => {
    const value = event.detail?.[name];
    return typeof value === "string" ? [`${name} ${value}`] : [];
  });
  return [
    String(event.position).padStart(3),
    event.at.slice(11, 23),
    who.padEnd(9),
    what.padEnd(24),
    aboutOf(event),
    ...(facts.length > 0 ? [`(${facts.join(", ")})`] : []),
  ].join(" ");
}

/** Subjects for people: names where there are some, and of an opaque ID its beginning. */
function aboutOf({ type, subjects, meshId }: AuditEvent): string {
  const named = (kind: string) => subjects.filter((subject) => subject.startsWith(`${kind}/`)).map(nameIn);
  if (type.startsWith("bundle-access.")) return `of ${named("trust-domain").join()} for ${named("mesh").join()}`;
  if (type.startsWith("federation.")) return named("mesh").join(" and ");
  const opaque = ["authority", "poller", "token", "invitation"].flatMap(named).map((id) => `${id.slice(0, 9)}…`);
  return [...named("trust-domain"), ...named("mesh").filter((id) => id !== meshId), ...opaque].join(" ");
}

const nameIn = (subject: string): string => subject.slice(subject.indexOf("/") + 1);
