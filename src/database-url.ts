/** Where a PostgreSQL is and as whom it is used. Holds a password: never shown, never logged (S33). */
export interface DatabaseUrl {
  /** A name, an address, or the folder of a Unix socket. */
  readonly host: string;
  readonly port: number;
  readonly database: string;
  /** Where absent: what the driver finds in PGUSER and PGPASSWORD. */
  readonly user: string | undefined;
  readonly password: string | undefined;
  /** `verify-full`: the chain and the host's name; nothing between that and none, since nothing between protects (L13). */
  readonly tls: "verify-full" | "disable";
  /** PEM file of the authorities that the server's certificate is verified by; the system's where absent. */
  readonly rootCertificateFile: string | undefined;
  /** Settings of each session, as libpq takes them: `-c search_path=entente`. */
  readonly options: string | undefined;
}

const PARAMETERS: ReadonlySet<string> = new Set(["host", "sslmode", "sslrootcert", "options"]);

/**
 * Reads `postgres://user:password@host:port/database?sslmode=…`; a socket as `postgres:///database?host=/folder`.
 * Anything but this machine is spoken to by verified TLS, unless the URL says `sslmode=disable` (L13).
 * @throws {Error} without the URL's text
 */
export function parseDatabaseUrl(text: string): DatabaseUrl {
  if (!/^postgres(?:ql)?:\/\//.test(text)) throw new Error("not a postgres URL");
  const url = new URL(text);
  const { searchParams } = url;
  if ([...searchParams.keys()].some((name) => !PARAMETERS.has(name))) throw new Error("an unknown parameter");
  const host = searchParams.get("host") ?? decodeURIComponent(url.hostname).replace(/^\[|\]$/g, "");
  const database = decodeURIComponent(url.pathname.slice(1));
  if (host === "" || host.includes(",") || database === "") throw new Error("a host and a database are needed");
  const tls = searchParams.get("sslmode") ?? (isThisMachine(host) ? "disable" : "verify-full");
  if (tls !== "verify-full" && tls !== "disable") throw new Error("sslmode is verify-full or disable");
  return {
    host,
    port: url.port === "" ? 5432 : Number(url.port),
    database,
    user: decodeURIComponent(url.username) || undefined,
    password: decodeURIComponent(url.password) || undefined,
    tls,
    rootCertificateFile: searchParams.get("sslrootcert") ?? undefined,
    options: searchParams.get("options") ?? undefined,
  };
}

const isThisMachine = (host: string): boolean =>
  host.startsWith("/") || host === "localhost" || host === "::1" || /^127(?:\.\d{1,3}){3}$/.test(host);
