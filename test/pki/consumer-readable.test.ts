import forge from "node-forge";
import { describe, expect, test } from "vitest";
import { readCertificate } from "../../src/pki/certificate.ts";
import { type Asn1, encodeDer, oid, sequence, value } from "../../src/pki/der.ts";
import {
  editCertificate,
  editExtensions,
  extension,
  extensionIds,
  place,
  without,
} from "../support/certificate-surgery.ts";
import { refusalOf } from "../support/refusal-of.ts";
import { testCa } from "../support/test-ca.ts";

const { Class, Type, create } = forge.asn1;

const ca = testCa({ trustDomain: "shop.example" });
const set = (...members: Asn1[]) => create(Class.UNIVERSAL, Type.SET, true, members);
const implicit = (tag: number, content: string) => create(Class.CONTEXT_SPECIFIC, tag, false, content);
const explicit = (tag: number, ...members: Asn1[]) => create(Class.CONTEXT_SPECIFIC, tag, true, members);
const id = (content: string) => value(Type.OID, content);
const bits = (content: string) => value(Type.BITSTRING, content);
const number = (content: string) => value(Type.INTEGER, content);
const uri = (text: string) => implicit(6, text);
const policy = (dotted: string) => sequence(oid(dotted));

const withSubject = (...sets: Asn1[]) =>
  editCertificate(ca.der, ca.privateKey, (tbs) => {
    tbs[place.subject] = sequence(...sets);
  });
const named = (tag: number, content: string) => withSubject(set(sequence(oid("2.5.4.3"), value(tag, content))));
const withContent = (identifier: string, content: Uint8Array) =>
  editExtensions(ca.der, ca.privateKey, (list) => [
    ...without(identifier)(list),
    extension(identifier, content, false),
  ]);
const withExtension = (identifier: string, content: Asn1) => withContent(identifier, encodeDer(content));
const altName = (...names: Asn1[]) => withExtension("2.5.29.17", sequence(...names));
const permitted = (...names: Asn1[]) =>
  withExtension("2.5.29.30", sequence(explicit(0, ...names.map((name) => sequence(name)))));

const UNREAD = {
  points: "2.5.29.31",
  policies: "2.5.29.32",
  mappings: "2.5.29.33",
  constraints: "2.5.29.36",
  any: "2.5.29.54",
};
const ACCESS = "1.3.6.1.5.5.7.1.1";
const OCSP = "1.3.6.1.5.5.7.48.1";

describe("S12: what Go's crypto/x509 does not read is refused, for it would cost a consumer the whole bundle: a certificate with", () => {
  test.each([
    ["a name that is no set", withSubject(sequence())],
    ["a name whose set is primitive", withSubject(value(Type.SET, ""))],
    ["an attribute without a value", withSubject(set(sequence(oid("2.5.4.3"))))],
    ["a name that is a number", named(Type.INTEGER, "\x01")],
    ["a name that is a GeneralString", named(27, "shop")],
    ["a UTF8String that is Latin-1", named(Type.UTF8, "caf\xe9")],
    ["a PrintableString with an at sign", named(Type.PRINTABLESTRING, "a@b")],
    ["an IA5String beyond ASCII", named(Type.IA5STRING, "caf\xe9")],
    ["a NumericString with a letter", named(18, "1a")],
    ["a BMPString with a surrogate", named(Type.BMPSTRING, "\ud83d\ude00")],
    ["a BMPString with a noncharacter", named(Type.BMPSTRING, "\ufffe")],
    ["a key usage of eight unused bits", withExtension(extensionIds.keyUsage, bits("\x08\x04"))],
    ["a key usage of no bits with one unused", withExtension(extensionIds.keyUsage, bits("\x01"))],
    ["a key usage that is empty", withExtension(extensionIds.keyUsage, bits(""))],
    [
      "a path length below zero",
      withExtension(extensionIds.basicConstraints, sequence(value(Type.BOOLEAN, "\xff"), number("\xff"))),
    ],
    ["an extended key usage that is cut off", withExtension("2.5.29.37", sequence(id("+\x86")))],
    ["an extended key usage with a number of 32 bits", withExtension("2.5.29.37", sequence(id("+\x88\x80\x80\x80\0")))],
    ["an IP address of five octets", altName(implicit(7, "\x0a\0\0\0\0"))],
    ["a DNS name beyond ASCII", altName(implicit(2, "caf\xe9.example"))],
    ["a mail address beyond ASCII", altName(implicit(1, "caf\xe9@shop.example"))],
    [
      "a name under a tag of several octets",
      altName(create(Class.CONTEXT_SPECIFIC, 0x1f as forge.asn1.Type, false, "\x06\x01a")),
    ],
    ["name constraints that name nothing", withExtension("2.5.29.30", sequence())],
    ["name constraints of an empty list", withExtension("2.5.29.30", sequence(explicit(0)))],
    [
      "name constraints with a third list",
      withExtension("2.5.29.30", sequence(explicit(0, sequence(uri("a"))), explicit(2))),
    ],
    [
      "name constraints in the wrong order",
      withExtension("2.5.29.30", sequence(explicit(1, sequence(uri("a"))), explicit(0, sequence(uri("b"))))),
    ],
    ["a constrained subtree that is empty", withExtension("2.5.29.30", sequence(explicit(0, sequence())))],
    ["a URI constraint that is an IP address", permitted(uri("10.0.0.1"))],
    ["a URI constraint with an empty label", permitted(uri("a..example"))],
    ["a DNS constraint that ends in a dot", permitted(implicit(2, "shop.example."))],
    ["a DNS constraint with a space", permitted(implicit(2, "shop example"))],
    ["a mail constraint without a name before the at sign", permitted(implicit(1, "@shop.example"))],
    ["an IP constraint without a mask", permitted(implicit(7, "\x0a\0\0\0"))],
    ["an IP constraint whose mask has a hole", permitted(implicit(7, "\x0a\0\0\0\xff\0\xff\0"))],
    ["a CRL distribution point that is a text", withExtension(UNREAD.points, sequence(value(Type.UTF8, "http://a")))],
    [
      "a CRL distribution point without a full name",
      withExtension(UNREAD.points, sequence(sequence(explicit(0, implicit(1, ""))))),
    ],
    ["a policy that is no identifier", withExtension(UNREAD.policies, sequence(sequence(number("\x01"))))],
    ["a policy twice", withExtension(UNREAD.policies, sequence(policy("1.2.3"), policy("1.2.3")))],
    ["a policy mapped to nothing", withExtension(UNREAD.mappings, sequence(policy("1.2.3")))],
    ["policy constraints that are a number", withExtension(UNREAD.constraints, number("\x01"))],
    [
      "a policy constraint that is enormous",
      withExtension(UNREAD.constraints, sequence(implicit(1, "\x01".repeat(9)))),
    ],
    ["any policy inhibited after a text", withExtension(UNREAD.any, value(Type.UTF8, "1"))],
    ["an access description without a method", withExtension(ACCESS, sequence(sequence(uri("http://a"))))],
  ])("%s", (_, der) => {
    expect(refusalOf(() => readCertificate(der)).code).toBe("certificate-unreadable");
  });

  test.each([
    ["an attribute with two values", withSubject(set(sequence(oid("2.5.4.3"), value(12, "a"), value(12, "b"))))],
    ["a policy constraint below zero", withExtension(UNREAD.constraints, sequence(implicit(0, "\xff")))],
  ])("%s, which Go reads and RFC 5280 does not know", (_, der) => {
    expect(refusalOf(() => readCertificate(der)).code).toBe("certificate-unreadable");
  });

  test.each([
    ["bits that are not in use and set", withExtension(extensionIds.keyUsage, bits("\x02\x07"))],
    ["an identifier that is padded", withExtension("2.5.29.37", sequence(id("+\x80\x06")))],
    [
      "a path length that is padded",
      withContent(extensionIds.basicConstraints, Buffer.from("30070101ff02020001", "hex")),
    ],
    ["a policy constraint that is padded", withExtension(UNREAD.constraints, sequence(implicit(0, "\0\x01")))],
  ])("%s: not canonical (S9)", (_, der) => {
    expect(refusalOf(() => readCertificate(der)).code).toBe("certificate-not-canonical");
  });
});

describe("what Go reads is read: a certificate with", () => {
  test.each([
    [
      "texts of every kind in its name",
      withSubject(
        ...(
          [
            [12, "café"],
            [18, "1 2"],
            [19, "a*b&c"],
            [20, "caf\xe9"],
            [22, "a@b"],
            [30, "\u20ac"],
          ] as const
        ).map(([tag, text]) =>
          set(sequence(oid("2.5.4.3"), value(tag, tag === 12 ? Buffer.from(text).toString("latin1") : text))),
        ),
      ),
    ],
    [
      "two attributes in one set",
      withSubject(set(sequence(oid("2.5.4.3"), value(12, "a")), sequence(oid("2.5.4.10"), value(12, "b")))),
    ],
    [
      "alternative names of every kind",
      altName(
        uri("spiffe://shop.example"),
        implicit(2, "a.example"),
        implicit(1, "a@a.example"),
        implicit(7, "\x0a\0\0\x01"),
        implicit(7, "\0".repeat(16)),
      ),
    ],
    [
      "constraints of every kind",
      permitted(
        uri(".shop.example"),
        implicit(2, "shop.example"),
        implicit(2, ""),
        implicit(1, "shop.example"),
        implicit(1, "a.b@shop.example"),
        implicit(7, "\x0a\0\0\0\xff\0\0\0"),
        implicit(7, "\0".repeat(32)),
      ),
    ],
    [
      "both lists of constraints",
      withExtension("2.5.29.30", sequence(explicit(0, sequence(uri("a"))), explicit(1, sequence(uri("b"))))),
    ],
    [
      "CRL distribution points",
      withExtension(UNREAD.points, sequence(sequence(explicit(0, explicit(0, uri("http://a")))), sequence())),
    ],
    ["policies", withExtension(UNREAD.policies, sequence(policy("1.2.3"), policy("2.23.140.1.2.1")))],
    ["policy mappings", withExtension(UNREAD.mappings, sequence(sequence(oid("1.2.3"), oid("1.2.4"))))],
    ["policy constraints", withExtension(UNREAD.constraints, sequence(implicit(0, "\0"), implicit(1, "\x03")))],
    ["any policy inhibited", withExtension(UNREAD.any, number("\x02"))],
    [
      "access descriptions",
      withExtension(ACCESS, sequence(sequence(oid(OCSP), uri("http://a")), sequence(oid(OCSP), implicit(2, "a")))),
    ],
    ["an identifier with a number of 31 bits", withExtension("2.5.29.37", sequence(id("+\x87\xff\xff\xff\x7f")))],
  ])("%s", (_, der) => {
    expect(readCertificate(der).fingerprint).toMatch(/^[0-9a-f]{64}$/);
  });
});
