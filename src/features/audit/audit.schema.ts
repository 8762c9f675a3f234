import Type from "typebox";
import { orNull, strictObject, time } from "../../http/schemas.ts";
import { EVENT_TYPES } from "../../store/event.ts";

export const auditEvent = strictObject(
  {
    position: Type.Integer({ description: "Place in the event log: the broker's only clock of order." }),
    eventId: orNull(Type.String()),
    type: Type.String(),
    at: time("When it was committed."),
    meshId: orNull(Type.String({ description: "On whose behalf; null for an operator's or the broker's own act." })),
    actor: orNull(strictObject({ kind: Type.String(), id: Type.String() })),
    source: orNull(Type.String({ description: "The caller's address." })),
    subjects: Type.Array(Type.String({ description: "What it is about: `mesh/shop`." })),
    outcome: orNull(Type.Enum(["done", "refused"])),
    requestId: orNull(Type.String()),
    detail: orNull(
      Type.Object(
        {},
        { additionalProperties: true, description: "Allow-listed facts; null of another mesh's act, or once erased." },
      ),
    ),
  },
  { $id: "AuditEvent" },
);

const filter = (description: string) => Type.Optional(Type.String({ maxLength: 300, description }));
export const auditFilter = {
  meshId: filter("About this mesh."),
  trustDomain: filter("About this trust domain."),
  federationId: filter("About this federation."),
  authorityId: filter("About this authority."),
  actor: filter("Done by this token, invitation, `clock` or `system`."),
  type: Type.Optional(Type.Enum([...EVENT_TYPES], { description: "Of this type." })),
  from: Type.Optional(time("At or after.")),
  to: Type.Optional(time("Before.")),
  order: Type.Enum(["asc", "desc"], { default: "desc", description: "Oldest or newest first." }),
};
export const auditParams = strictObject({ position: Type.String({ maxLength: 20 }) });
