import type { OwnCa, PlannedStep } from "../../identity/ca-rollover.ts";
import type { X509Authority } from "../../pki/authority.ts";
import { pemOf } from "../../pki/pem.ts";
import type { Contribution } from "../authorities/contribution.ts";

/** A published CA of the broker's own trust domain. */
export interface BrokerCa extends OwnCa {
  readonly contribution: Contribution;
  readonly authority: X509Authority;
}

/** The broker's own trust domain as it stands: what is published of its CAs, newest first, and what a roll-over does next. */
export interface BrokerCas {
  readonly refreshHintSeconds: number;
  readonly cas: readonly BrokerCa[];
  readonly next: PlannedStep<BrokerCa> | undefined;
}

/** One of what the broker contributes to its own trust domain; none for what is no CA. */
export function brokerCaOf(contribution: Contribution): BrokerCa[] {
  const { authority } = contribution.known;
  if (authority.type !== "x509") return [];
  const { notBefore, notAfter } = authority;
  const { state, changedAt } = contribution;
  return [{ contribution, authority, state, changedAt, notBefore, notAfter }];
}

/** What verifies the broker's listeners, now and after the next step: its published CAs as PEM, newest first. */
export const pemOfCas = ({ cas }: BrokerCas): string => cas.map(pemOfCa).join("");

export const pemOfCa = ({ authority }: BrokerCa): string => pemOf(Buffer.from(authority.certificate, "base64"));
