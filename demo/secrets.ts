/** The name under which a secret is shown: `$SHOP_TOKEN`. */
export type SecretName = `${string}_TOKEN` | `${string}_POLLER` | `${string}_INVITATION`;

/** The secrets of the story by name, so that everything shown can hold the name instead. */
export interface Secrets {
  put(name: SecretName, secret: string): void;
  /** @throws {Error} for a name that nobody put */
  get(name: SecretName): string;
  /** The text with each secret replaced by its `$NAME`. */
  redact(text: string): string;
  /** Lines for a shell: `export NAME='secret'`. */
  exports(): string[];
}

export function newSecrets(): Secrets {
  const secrets = new Map<SecretName, string>();
  return {
    put(name, secret) {
      if (secret === "") throw new Error(`${name} is empty`);
      secrets.set(name, secret);
    },
    get(name) {
      const secret = secrets.get(name);
      if (secret === undefined) throw new Error(`there is no ${name} yet`);
      return secret;
    },
    redact(text) {
      let safe = text;
      for (const [name, secret] of secrets) safe = safe.replaceAll(secret, `$${name}`);
      return safe;
    },
    exports: () => [...secrets].map(([name, secret]) => `export ${name}='${secret}'`),
  };
}
