/** One request to the admin API, before it goes anywhere. */
export interface HttpRequest {
  readonly method: string;
  /** With its query, encoded. */
  readonly path: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** JSON. */
  readonly body?: string;
}

export interface HttpAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

/** Brings a request to the broker: whose CA is trusted, and over which connection, is the transport's matter. */
export type Transport = (request: HttpRequest) => Promise<HttpAnswer>;
