/** What a caller is told of one kind of refusal. `mend` says what to do about it. */
interface CatalogueEntry {
  readonly status: number;
  readonly title: string;
  readonly mend: string;
  /** The request is not of the contract's form, whoever sends it: counted in the audit trail, never told singly (S70). */
  readonly malformed?: true;
}

/**
 * Every error that Entente answers with, by its stable code (RFC 9457: `type` is `urn:entente:error:<code>`).
 * Codes are part of the interface: add freely, never rename.
 */
export const catalogue = {
  // The request itself
  "invalid-request": {
    malformed: true,
    status: 400,
    title: "The request does not fit its schema",
    mend: "Correct the member of the body that `pointer` names, or the `parameter`.",
  },
  "invalid-json": {
    malformed: true,
    status: 400,
    title: "The body is not JSON in UTF-8",
    mend: "Send one JSON value in UTF-8, without a byte order mark and with no number beyond every double.",
  },
  "duplicate-member": {
    malformed: true,
    status: 400,
    title: "A JSON object has a member twice",
    mend: "Send each member once.",
  },
  "too-complex": {
    malformed: true,
    status: 400,
    title: "The JSON is too deep or has too many values",
    mend: "Send a flatter or smaller document.",
  },
  "invalid-text": {
    malformed: true,
    status: 400,
    title: "A text has characters that are not allowed",
    mend: "Remove control and bidirectional characters.",
  },
  "invalid-trust-domain": {
    malformed: true,
    status: 400,
    title: "Not a SPIFFE trust domain name",
    mend: "Use lower-case letters, digits, dots, dashes and underscores, at most 255 bytes (R3, R4, R10).",
  },
  "invalid-spiffe-id": {
    status: 400,
    title: "Not a SPIFFE ID",
    mend: "Write spiffe://<trust domain>/<path> (R1 to R10).",
  },
  "invalid-mesh-id": {
    malformed: true,
    status: 400,
    title: "Not a mesh ID",
    mend: "Use an RFC 1123 label: lower-case letters, digits and inner dashes, at most 63.",
  },
  "body-too-large": {
    malformed: true,
    status: 413,
    title: "The body is too large",
    mend: "Send no more than `detail` says; bundles and certificates may be larger than other bodies.",
  },
  "unsupported-media-type": {
    malformed: true,
    status: 415,
    title: "The body must be application/json, not encoded",
    mend: "Send Content-Type: application/json without Content-Encoding.",
  },
  "method-not-allowed": {
    status: 405,
    title: "The method is not allowed here",
    mend: "Use one of the methods in the Allow header.",
  },
  "invalid-cursor": {
    malformed: true,
    status: 400,
    title: "The cursor does not belong to this list",
    mend: "Start again without a cursor.",
  },
  "not-acceptable": {
    status: 406,
    title: "None of the media types in Accept is offered",
    mend: "Accept one of `offered`, or leave Accept out.",
  },
  "invalid-label-selector": {
    status: 400,
    title: "Not a label selector",
    mend: "Write it as Kubernetes does: env=prod,tier!=db,region,!legacy,zone in (a,b); at most 16 requirements.",
  },
  "precondition-required": {
    malformed: true,
    status: 428,
    title: "The change must say what it is based on",
    mend: "Send If-Match with the ETag of a read, or * to change whatever is there.",
  },
  "precondition-failed": {
    status: 412,
    title: "The resource is not what If-Match names",
    mend: "Read it again, decide anew, and send the ETag of that read.",
  },
  "idempotency-key-reused": {
    status: 422,
    title: "The Idempotency-Key belongs to another request",
    mend: "Send a new key with a new request; the old one only with the old body.",
  },
  "idempotency-key-in-use": {
    status: 409,
    title: "A request with this Idempotency-Key is under way",
    mend: "Wait for as long as Retry-After says, then send it again.",
  },
  "secret-already-shown": {
    status: 409,
    title: "It was done, and its secret was shown once",
    mend: "Rotate the secret of what the answer names, or revoke it and make another; for a mesh whose first token is lost, ask an operator for one by break-glass.",
  },
  // Who is asking
  unauthenticated: {
    status: 401,
    title: "No valid credential",
    mend: "Send Authorization: Bearer <token> with a token that is neither expired nor revoked. An invitation registers once; the same registration under the same Idempotency-Key is answered again.",
  },
  forbidden: {
    status: 403,
    title: "The credential may not do this",
    mend: "Use a token whose role allows it; docs/access.md lists which.",
  },
  "not-found": {
    status: 404,
    title: "Not found",
    mend: "Check the path, or what `pointer` or `parameter` names; what another tenant owns answers like what is absent.",
  },
  "too-many-requests": { status: 429, title: "Too many requests", mend: "Wait for as long as Retry-After says." },
  // Certificates, keys and bundles on their way in
  "invalid-pem": {
    status: 400,
    title: "Not a strict PEM of certificates",
    mend: "Send CERTIFICATE blocks only, with nothing but white space between them (S8).",
  },
  "private-key-submitted": {
    status: 400,
    title: "The upload holds a private key",
    mend: "Send the certificate or the public key alone; treat the submitted key as lost and replace it.",
  },
  "certificate-unreadable": {
    status: 400,
    title: "The certificate cannot be read",
    mend: "Send an X.509 certificate with an RSA, P-256, P-384, P-521 or Ed25519 key.",
  },
  "certificate-not-canonical": {
    status: 400,
    title: "The certificate is not canonical DER",
    mend: "Encode it again as DER, without trailing bytes (S9).",
  },
  "certificate-not-v3": {
    status: 422,
    title: "The certificate is not version 3",
    mend: "Issue an X.509 version 3 certificate.",
  },
  "certificate-not-ca": {
    status: 422,
    title: "The certificate is not a CA",
    mend: "Send the CA certificate, not one it issued: basicConstraints critical with CA:TRUE (R37).",
  },
  "certificate-key-usage": {
    status: 422,
    title: "The certificate may not sign certificates",
    mend: "keyUsage must be present, critical and hold keyCertSign (R37).",
  },
  "certificate-serial": {
    status: 422,
    title: "The serial number is not allowed",
    mend: "Use a positive serial number of at most 20 octets (RFC 5280, 4.1.2.2).",
  },
  "certificate-subject-empty": {
    status: 422,
    title: "The CA certificate has no subject",
    mend: "Give the CA a subject (RFC 5280, 4.1.2.6).",
  },
  "certificate-extensions": {
    status: 422,
    title: "An extension is repeated or is critical and unknown",
    mend: "Send a certificate whose critical extensions are the standard ones, each once.",
  },
  "certificate-key-not-allowed": {
    status: 422,
    title: "The key kind or size is not allowed",
    mend: "Use RSA of 2048 to 8192 bits with e >= 65537, P-256, P-384, P-521 or Ed25519.",
  },
  "certificate-signature-algorithm": {
    status: 422,
    title: "The signature algorithm is too weak",
    mend: "Sign with SHA-256 or better.",
  },
  "certificate-self-signature": {
    status: 422,
    title: "The self-issued certificate's signature does not verify",
    mend: "Send the certificate as it was signed by its own key.",
  },
  "certificate-expired": {
    status: 422,
    title: "The certificate has expired",
    mend: "Send a CA certificate that is still valid.",
  },
  "certificate-validity": {
    status: 422,
    title: "The validity of the certificate is not a period",
    mend: "notBefore must lie before notAfter.",
  },
  "certificate-spiffe-id": {
    status: 422,
    title: "The certificate's SPIFFE ID is not of this trust domain or has a path",
    mend: "A CA's URI SAN is spiffe://<its own trust domain> or absent (R37, R88).",
  },
  "invalid-bundle": {
    status: 400,
    title: "Not a SPIFFE bundle document",
    mend: "Send a JSON object with a `keys` array (R19).",
  },
  "bundle-too-large": { status: 400, title: "The bundle has too many keys", mend: "Send at most 100 keys (S13)." },
  "bundle-entry": {
    status: 422,
    title: "An entry of the bundle breaks a rule",
    mend: "Correct the entry that `pointer` names.",
  },
  "invalid-jwk": {
    status: 400,
    title: "Not a public JWK",
    mend: "Send one RSA or EC P-256, P-384 or P-521 public key as a JWK (RFC 7517).",
  },
  "jwk-not-allowed": {
    status: 422,
    title: "The JWT signing key is of a kind that JWT-SVIDs cannot use",
    mend: "Use RSA of 2048 to 8192 bits, P-256, P-384 or P-521 (R47).",
  },
  "jwk-key-id": {
    status: 422,
    title: "The JWT signing key has no `kid`",
    mend: "Give the key a `kid` that is unique in the trust domain (R43).",
  },
  "x5c-mismatch": {
    status: 422,
    title: "The JWK is not the key of its x5c certificate",
    mend: "Make the entry again from the certificate (R86).",
  },
  "nothing-to-register": {
    status: 422,
    title: "The upload brings no authority",
    mend: "Send a bundle with at least one x509-svid or jwt-svid key; to publish nothing, retire what is published.",
  },
  // What the broker knows already
  "mesh-id-taken": {
    status: 409,
    title: "The mesh ID is taken",
    mend: "Choose another: a mesh ID is never used twice, not even after deletion.",
  },
  "trust-domain-reserved": {
    status: 409,
    title: "Nobody registers this trust domain",
    mend: "Register the mesh's own trust domain.",
  },
  "trust-domain-freed": {
    status: 409,
    title: "The trust domain was given back",
    mend: "An invitation does not bring it back: an operator registers it, by POST /v1/meshes with an operator's token.",
  },
  "trust-domain-has-members": {
    status: 409,
    title: "Other meshes are members of the trust domain",
    mend: "Expel them first, or keep the owner.",
  },
  "invitation-mismatch": {
    status: 403,
    title: "The invitation is for something else",
    mend: "Register the trust domain and mesh ID that the invitation names.",
  },
  "mesh-has-federations": {
    status: 409,
    title: "The mesh has open federations",
    mend: "Withdraw them first, or delete with ?withdraw=true.",
  },
  "membership-pending": {
    status: 409,
    title: "The mesh is not a granted member of its trust domain",
    mend: "Ask the admin of the trust domain's owner to grant the membership.",
  },
  "not-the-owner": {
    status: 403,
    title: "Only the owner of the trust domain may do this",
    mend: "Ask the admin of the owner mesh.",
  },
  "membership-decision": {
    status: 409,
    title: "The decision does not fit the membership's state",
    mend: "See `possible` for what can be decided now.",
  },
  "authority-exists": {
    status: 409,
    title: "The mesh has registered this authority before",
    mend: "It is registered once. Prepared, active or retiring: change its state with a transition. Claimed: prove it. Retired or revoked: it is published no more; make a new certificate, of a new key where it was revoked.",
  },
  "authority-revoked": {
    status: 409,
    title: "The authority is revoked",
    mend: "Make a new key and certificate: a revoked authority is never published again.",
  },
  "key-known-elsewhere": {
    status: 409,
    title: "The key belongs to another trust domain",
    mend: "Use a key of its own for each trust domain, or ask an operator to allow the shared key. If the key is yours, upload it with claim: true and prove it; a proved one cannot be claimed.",
  },
  "proof-challenge-expired": {
    status: 409,
    title: "No challenge is open",
    mend: "Ask for a new challenge, and answer it within the hour, once.",
  },
  "proof-failed": {
    status: 422,
    title: "The proof does not show that you hold the key",
    mend: "Mend what `detail` says and send it again; the challenge stays open until it expires.",
  },
  "key-id-taken": {
    status: 409,
    title: "The `kid` is taken in this trust domain",
    mend: "Give the JWT signing key another `kid`.",
  },
  "impossible-transition": {
    status: 409,
    title: "The state cannot change like this",
    mend: "See `possible` for the states that can follow.",
  },
  "would-empty-bundle": {
    status: 409,
    title: "The change would leave no authority of a type in the bundle",
    mend: "Publish a successor first, or send force: true to make every peer stop trusting the trust domain by that type.",
  },
  "ca-rollover-under-way": {
    status: 409,
    title: "The broker's CA is being rolled over",
    mend: "Wait for its end: GET /v1/broker says what is next, and when.",
  },
  "already-distrusted": {
    status: 409,
    title: "The mesh distrusts the authority already",
    mend: "Nothing is to be done; DELETE the distrust to lift it.",
  },
  "federation-with-itself": { status: 422, title: "A mesh cannot federate with itself", mend: "Name two meshes." },
  "federation-exists": {
    status: 409,
    title: "The two meshes have an open federation",
    mend: "Change its terms instead of proposing another.",
  },
  "invalid-terms": {
    status: 422,
    title: "The terms do not describe this federation",
    mend: "List each direction once, as {consumer, provider} of the two meshes, and an expiry in the future.",
  },
  "terms-changed": {
    status: 409,
    title: "termsDigest does not name the terms that can be decided on",
    mend: "Read the federation again, `terms` and `proposal`, and send the digest of those that you mean: one of `termsDigests`.",
  },
  "terms-unchanged": {
    status: 409,
    title: "The terms are the agreed ones already",
    mend: "Propose terms that differ.",
  },
  "federation-decision": {
    status: 409,
    title: "The decision does not fit the federation's state",
    mend: "See `possible` for what this mesh can decide now.",
  },
  "federation-code-invalid": {
    status: 403,
    title: "The federation code does not hold",
    mend: "Ask an admin of the other mesh for a new code: one is good for one federation, until it expires or is revoked.",
  },
  "admin-token-exists": {
    status: 409,
    title: "A mesh-admin token of the mesh is valid",
    mend: "Ask the mesh's own admin to make the next one, or, where nobody has its token any more, use break-glass.",
  },
  "wider-rights": {
    status: 403,
    title: "The token would have wider rights than its maker",
    mend: "Make a token of your own role or a narrower one, for your own meshes. Who ends or rotates one that speaks for other meshes too, `detail` says.",
  },
  "quota-exceeded": {
    status: 409,
    title: "The mesh has as many as it may have",
    mend: "End what is not needed any more, wait where it is counted by the hour, or ask an operator to raise the limit that `quota` names. A token is rotated with overlapSeconds 0.",
  },
  "mesh-suspended": {
    status: 409,
    title: "The mesh is suspended",
    mend: "Until an operator ends the suspension (DELETE /v1/meshes/{meshId}/suspension) the mesh's tokens read, revoke and withdraw, and change nothing else.",
  },
  "break-glass-off": {
    status: 403,
    title: "Break-glass is off",
    mend: "Set breakGlass in the configuration; the mesh's own admin needs no break-glass.",
  },
  "transfer-open": {
    status: 409,
    title: "The trust domain is on offer already",
    mend: "Take the open offer back first.",
  },
  "transfer-decision": {
    status: 409,
    title: "The decision does not fit the offer's state",
    mend: "See `possible` for what this mesh can decide now.",
  },
  "poller-name-taken": {
    status: 409,
    title: "The mesh has a poller of this name",
    mend: "Choose another name or revoke the old poller.",
  },
  "already-ended": {
    status: 409,
    title: "It has ended already",
    mend: "Nothing is to be done, unless `detail` says what it has led to.",
  },
  // The public bundle endpoint
  "bundle-withdrawn": {
    status: 410,
    title: "The federation has ended",
    mend: "Stop polling, or federate again.",
  },
  // What is no request yet, at any listener
  "malformed-request": {
    status: 400,
    title: "Not an HTTP/1.1 request",
    mend: "Send a request as RFC 9110 and RFC 9112 have it.",
  },
  "expectation-failed": {
    status: 417,
    title: "The Expect header names what is not met",
    mend: "Leave it out, or send Expect: 100-continue.",
  },
  "request-timeout": { status: 408, title: "The request took too long", mend: "Send it at once." },
  "headers-too-large": { status: 431, title: "The header block is too large", mend: "Send fewer and shorter headers." },
  "misdirected-request": {
    status: 421,
    title: "The Host header names another host",
    mend: "Use an address of the broker or its publicUrlAdmin; whoever runs it sets that to the name it is reached by.",
  },
  // The broker itself
  overloaded: {
    status: 503,
    title: "Too much is asked at once",
    mend: "Nothing was changed: send it again after Retry-After. Bundles are served meanwhile.",
  },
  "storage-unavailable": {
    status: 503,
    title: "The database is not available",
    mend: "Try again after Retry-After; where `outcome` is unknown, look first whether it was made, or send it again under the same Idempotency-Key. Bundles are served meanwhile.",
  },
  "not-ready": { status: 503, title: "Not ready yet", mend: "Try again after Retry-After." },
  internal: { status: 500, title: "Internal error", mend: "Report the request ID to the operator." },
} as const satisfies Record<string, CatalogueEntry>;

export type ErrorCode = keyof typeof catalogue;

/** Whether a code says that the request has not the form that the contract gives it. */
export const isMalformed = (code: ErrorCode): boolean => (catalogue[code] as CatalogueEntry).malformed === true;

/** One thing that a request says outside of its body, in OpenAPI's words. */
export interface Parameter {
  readonly in: "path" | "query" | "header";
  readonly name: string;
}

export interface RefusalOptions {
  /** RFC 6901 JSON pointer to the wrong member of the body; of what stands in no body, to the parameter of that name. */
  readonly pointer?: string;
  /** Instead: what is wrong stands in no body. */
  readonly parameter?: Parameter;
  /** Members that go into the problem document beside the standard ones; never secret. */
  readonly extra?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/**
 * What was asked is refused, and why. The only error that a rule throws; rendered as problem+json at the edge.
 * `message` is shown to the caller: it names the value that is wrong and never holds a secret.
 */
export class Refusal extends Error {
  readonly code: ErrorCode;
  readonly pointer: string | undefined;
  readonly parameter: Parameter | undefined;
  readonly extra: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, options: RefusalOptions = {}) {
    super(message, { cause: options.cause });
    this.name = "Refusal";
    this.code = code;
    this.pointer = options.pointer;
    this.parameter = options.parameter;
    this.extra = options.extra ?? {};
  }

  get status(): number {
    return catalogue[this.code].status;
  }

  /** The same refusal, said of a member deeper in the request: `/bundle` before the entry's own pointer. */
  under(pointer: string, block?: number): Refusal {
    return new Refusal(this.code, this.message, {
      pointer: pointer + (this.pointer ?? ""),
      extra: block === undefined ? this.extra : { ...this.extra, block },
      cause: this.cause,
    });
  }
}

/** Nothing was begun, so that whoever is told may send the same again (L18). */
export const overloaded = (why: string): Refusal => new Refusal("overloaded", why, { extra: { retryAfterSeconds: 1 } });
