import forge from "node-forge";
import type { RawExtension } from "./certificate-parts.ts";
import {
  type Asn1,
  decodeDer,
  integerOf,
  isContext,
  membersOf,
  oidOf,
  primitive,
  sequenceOf,
  unreadable,
} from "./der.ts";

const { Type } = forge.asn1;

/**
 * The extensions that no rule here looks at, and that Go's crypto/x509 takes apart in every certificate all the same:
 * one that it cannot read costs a consumer the whole bundle (S12).
 */
const READERS: Readonly<Record<string, (node: Asn1) => void>> = {
  "2.5.29.31": (node) => sequenceOf(node).forEach(distributionPoint),
  "2.5.29.32": policies,
  "2.5.29.33": (node) => sequenceOf(node).forEach(policyMapping),
  "2.5.29.36": policyConstraints,
  "2.5.29.54": (node) => void skipCount(integerOf(node)),
  "1.3.6.1.5.5.7.1.1": (node) => sequenceOf(node).forEach(accessDescription),
};

/** @throws {Refusal} `certificate-unreadable`, `certificate-not-canonical` */
export function requireReadableExtensions(extensions: readonly RawExtension[]): void {
  for (const { id, value } of extensions) if (Object.hasOwn(READERS, id)) READERS[id]?.(decodeDer(value));
}

function distributionPoint(node: Asn1): void {
  const name = sequenceOf(node).find((member) => isContext(member, 0));
  if (!name) return;
  const [choice] = membersOf(name);
  if (!isContext(choice, 0)) throw unreadable("a CRL distribution point has no full name");
  for (const uri of membersOf(choice)) if (isContext(uri, 6)) primitive(uri);
}

function policies(node: Asn1): void {
  const ids = sequenceOf(node).map((policy) => oidOf(sequenceOf(policy)[0]));
  if (new Set(ids).size < ids.length) throw unreadable("a certificate policy is there twice");
}

function policyMapping(node: Asn1): void {
  const [issuer, subject, ...rest] = sequenceOf(node);
  oidOf(issuer);
  oidOf(subject);
  if (rest.length > 0) throw unreadable("a policy mapping is malformed");
}

function policyConstraints(node: Asn1): void {
  const counts = sequenceOf(node);
  if (counts.length > 2 || counts.some((count) => !isContext(count, 0) && !isContext(count, 1)))
    throw unreadable("its policy constraints are malformed");
  for (const count of counts) skipCount(integerOf(universalInteger(count)));
}

/** The INTEGER behind an implicit tag. */
const universalInteger = (node: Asn1): Asn1 =>
  forge.asn1.create(forge.asn1.Class.UNIVERSAL, Type.INTEGER, false, primitive(node));

/** SkipCerts ::= INTEGER (0..MAX); more than Go's int would hold is of no use. */
function skipCount(content: string): void {
  if (content.charCodeAt(0) >= 0x80 || content.length > 4) throw unreadable("a number of certificates is out of range");
}

function accessDescription(node: Asn1): void {
  const [method, location] = sequenceOf(node);
  oidOf(method);
  if (isContext(location, 6)) primitive(location);
}
