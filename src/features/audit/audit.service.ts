import { findEvent, listEvents } from "./audit.store.ts";

export { findEvent, listEvents };
