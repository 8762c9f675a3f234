/** `spiffe_sequence` of the event-log position of what somebody sees. Below 2^53 for any generation under 2^21 (S3). */
export const sequenceOf = (generation: number, position: number): number => generation * 2 ** 32 + position;
