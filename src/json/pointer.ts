/** One step of an RFC 6901 JSON pointer, with its slash: `/keys`, `/0`, `/a~1b`. */
export const pointerStep = (step: string | number): string =>
  `/${String(step).replaceAll("~", "~0").replaceAll("/", "~1")}`;
