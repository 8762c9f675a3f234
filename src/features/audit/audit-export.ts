import { csvRecord } from "../../csv.ts";
import type { AuditEvent } from "./audit.ts";

/** Media types in which all of the trail is written, a line an event. */
export const EXPORT_TYPES = ["application/x-ndjson", "text/csv"] as const;
export type ExportType = (typeof EXPORT_TYPES)[number];

const COLUMNS = [
  "position",
  "eventId",
  "type",
  "at",
  "meshId",
  "actorKind",
  "actorId",
  "source",
  "subjects",
  "outcome",
  "requestId",
  "detail",
] as const;

/** What stands before the first event. */
export const headOf: Readonly<Record<ExportType, string>> = {
  "application/x-ndjson": "",
  "text/csv": csvRecord(COLUMNS),
};

/** Subjects stand in one cell with blanks between them, the detail as JSON. */
const csvLine = (event: AuditEvent): string =>
  csvRecord([
    event.position,
    event.eventId,
    event.type,
    event.at,
    event.meshId,
    event.actor?.kind ?? null,
    event.actor?.id ?? null,
    event.source,
    event.subjects.join(" "),
    event.outcome,
    event.requestId,
    event.detail && JSON.stringify(event.detail),
  ]);

export const lineOf: Readonly<Record<ExportType, (event: AuditEvent) => string>> = {
  "application/x-ndjson": (event) => `${JSON.stringify(event)}\n`,
  "text/csv": csvLine,
};
