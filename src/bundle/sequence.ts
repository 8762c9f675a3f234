/** `spiffe_sequence` of the event-log position of what somebody sees. Below 2^53 for any generation under 2^21 (S3). */
export const sequenceOf = (generation: number, position: number): number => generation * 2 ** 32 + position;

/** The event-log position in a sequence. */
export const positionOf = (sequence: number): number => sequence % 2 ** 32;
