import type { AuditEventAnswer } from "./answers.ts";

const FACTS = ["from", "to", "state", "code", "operationId", "role", "decision", "reason", "cause"] as const;

/** One line of the audit trail: position, time, on whose behalf, what, about what, and the facts that tell most. */
export function sentenceOf(event: AuditEventAnswer, nameOf: (actorId: string) => string): string {
  const { actor, detail } = event;
  const who = event.meshId ?? (actor === null ? "" : nameOf(actor.id));
  const what = event.type.replace(".", ": ").replaceAll("-", " ");
  const about = event.subjects.map(plainly).filter((subject) => subject !== null && subject !== event.meshId);
  const facts = FACTS.flatMap((name) => {
    const value = detail?.[name];
    return typeof value === "string" ? [`${name} ${value}`] : [];
  });
  return [
    String(event.position).padStart(4),
    event.at.slice(11, 23),
    who.padEnd(10),
    what.padEnd(30),
    about.join(" "),
    ...(facts.length > 0 ? [`[${facts.join(", ")}]`] : []),
  ].join(" ");
}

/** A subject for people: meshes and trust domains by name; of what has an opaque ID, the start of it. */
function plainly(subject: string): string | null {
  const [kind = "", id = ""] = subject.split("/");
  if (kind === "mesh") return id;
  if (kind === "trust-domain") return id;
  return `${id.slice(0, 9)}…`;
}
