/** One step of an RFC 6901 JSON pointer, with its slash: `/keys`, `/0`, `/a~1b`. */
export const pointerStep = (step: string | number): string =>
  `/${String(step).replaceAll("~", "~0").replaceAll("/", "~1")}`;

/** The name that a pointer's first step names. */
export const firstStepOf = (pointer: string): string =>
  (pointer.split("/")[1] ?? "").replaceAll("~1", "/").replaceAll("~0", "~");
