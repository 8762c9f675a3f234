import type { ErrorCode, Problem } from "./schemas.ts";

/** The broker refused: what it answered, as a problem document (RFC 9457). `code` is stable, `message` its detail. */
export class ProblemError extends Error {
  readonly code: ErrorCode;
  readonly status: number;
  readonly problem: Problem;
  /** Seconds to wait before trying again, where it says. */
  readonly retryAfter: number | undefined;

  constructor(problem: Problem, retryAfter: number | undefined) {
    super(`${problem.code}: ${problem.detail}`);
    this.name = "ProblemError";
    this.code = problem.code as ErrorCode;
    this.status = problem.status;
    this.problem = problem;
    this.retryAfter = retryAfter;
  }
}

/** What was answered is neither what the contract promises nor a problem document: perhaps it was not the broker. */
export class UnexpectedAnswer extends Error {
  readonly status: number;
  readonly text: string;

  constructor(status: number, text: string) {
    super(`the answer ${status} is not in the contract`);
    this.name = "UnexpectedAnswer";
    this.status = status;
    this.text = text;
  }
}
