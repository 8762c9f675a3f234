/** What the processes of a measurement say to each other. */
export interface ServerReady {
  readonly port: number;
  /** Requests to send in turn; the ETag of what they are answered with. */
  readonly paths: readonly string[];
  readonly etag: string;
}

export interface Load {
  readonly port: number;
  readonly paths: readonly string[];
  readonly polls: number;
  readonly keepAlive: boolean;
  /** Sent as If-None-Match: every answer is then to be a 304. */
  readonly etag: string | null;
}

export type ToServer = { readonly ask: "cpu" } | { readonly ask: "commit" };

/** Microseconds of process CPU since the start, user and system, of all threads. */
export interface CpuAnswer {
  readonly cpu: number;
}

/** Milliseconds from the hand-over of a change to the moment at which it is served. */
export interface CommitAnswer {
  readonly commitMs: readonly number[];
}
