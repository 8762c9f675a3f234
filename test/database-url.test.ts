import { describe, expect, it } from "vitest";
import { ConfigError, loadConfig } from "../src/config.ts";
import { parseDatabaseUrl } from "../src/database-url.ts";

const PLAIN = { port: 5432, rootCertificateFile: undefined, options: undefined };

describe("the URL of a PostgreSQL", () => {
  it("names host, port, database, role and password, each decoded", () => {
    expect(parseDatabaseUrl("postgres://ent%40ente:p%2Fw%3A@[::1]:6000/en%20tente")).toEqual({
      ...PLAIN,
      host: "::1",
      port: 6000,
      database: "en tente",
      user: "ent@ente",
      password: "p/w:",
      tls: "disable",
    });
  });

  it("may name a socket's folder, root certificates and settings of the session", () => {
    const url = "postgresql:///entente?host=/run/postgresql&options=-c%20search_path%3Dentente&sslrootcert=/etc/ca.pem";
    expect(parseDatabaseUrl(url)).toEqual({
      ...PLAIN,
      host: "/run/postgresql",
      database: "entente",
      user: undefined,
      password: undefined,
      tls: "disable",
      rootCertificateFile: "/etc/ca.pem",
      options: "-c search_path=entente",
    });
  });

  it.each([
    ["postgres://db.example/entente", "verify-full"],
    ["postgres://10.0.0.7/entente", "verify-full"],
    ["postgres://db.example/entente?sslmode=verify-full", "verify-full"],
    ["postgres://db.example/entente?sslmode=disable", "disable"],
    ["postgres://localhost/entente?sslmode=verify-full", "verify-full"],
    ["postgres://127.0.0.1/entente", "disable"],
  ])("L13: another machine is spoken to by verified TLS unless told otherwise: %s, %s", (url, tls) => {
    expect(parseDatabaseUrl(url).tls).toBe(tls);
  });

  it.each([
    ["nothing between verified and none", "postgres://db.example/entente?sslmode=require"],
    ["no certificate of a client yet", "postgres://db.example/entente?sslcert=x"],
    ["one host", "postgres://a,b/entente"],
    ["no host", "postgres:///entente"],
    ["no database", "postgres://localhost"],
    ["another scheme", "mysql://localhost/entente"],
    ["a bad port", "postgres://localhost:99999/entente"],
    ["a broken escape", "postgres://u:%zz@localhost/entente"],
  ])("refuses %s", (_, url) => {
    expect(() => parseDatabaseUrl(url)).toThrow();
  });
});

describe("ENTENTE_DATABASE_URL", () => {
  it("L13, S33: where it is wrong the message says what is allowed, and not the password in it", () => {
    const load = () => loadConfig({ ENTENTE_DATABASE_URL: "postgres://u:hunter2@db/x?sslmode=prefer" }, () => "");
    expect(load).toThrow(ConfigError);
    expect(load).toThrow(/ENTENTE_DATABASE_URL: .*allowed: postgres:\/\/user:password@host/);
    expect(load).not.toThrow(/hunter2/);
  });

  it("is what a key file is for", () => {
    const load = () => loadConfig({ ENTENTE_KEY_FILE: "/etc/entente.key" }, () => "");
    expect(load).toThrow("ENTENTE_KEY_FILE: is set without databaseUrl; allowed: with databaseUrl");
  });
});
