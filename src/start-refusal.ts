/**
 * The process cannot start like this (L9). The message names the cause and what mends it; the process prints it and
 * exits 78 (EX_CONFIG).
 */
export class StartRefusal extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    this.name = new.target.name;
  }
}
