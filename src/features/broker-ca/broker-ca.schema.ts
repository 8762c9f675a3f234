import Type, { type Static } from "typebox";
import { orNull, strictObject, text, time, trustDomain } from "../../http/schemas.ts";
import { toRfc3339 } from "../../time.ts";
import type { Broker } from "../broker.ts";
import type { BrokerCas } from "./broker-ca.ts";

const fingerprint = Type.String({ description: "SHA-256 (hex) of the certificate." });

export const newCaRollover = strictObject(
  { reason: Type.Optional(text("Why, for the audit trail.")) },
  { $id: "NewCaRollover" },
);
export const brokerView = strictObject(
  {
    trustDomain,
    generation: Type.Integer({ description: "The high part of every sequence; a restore raises it." }),
    refreshHintSeconds: Type.Integer({ description: "Of the broker's own bundle." }),
    certificateAuthorities: Type.Array(
      strictObject({
        authorityId: Type.String(),
        fingerprint,
        state: Type.Enum(["prepared", "active", "retiring"], {
          description:
            "`prepared`: published, issues nothing yet. `active`: issues. `retiring`: published, issues no more.",
        }),
        changedAt: time("When it came to this state."),
        notBefore: time("Its certificate's."),
        notAfter: time("Its certificate's."),
      }),
      { description: "What is published of the broker's CAs, newest first." },
    ),
    nextStep: orNull(
      strictObject({
        step: Type.Enum(["start", "activate", "retire"], {
          description:
            "`start`: a roll-over begins by itself. `activate`: the prepared CA issues. `retire`: a former one leaves " +
            "the bundle.",
        }),
        fingerprint: orNull(fingerprint),
        at: time("When, at the earliest."),
      }),
    ),
  },
  { $id: "Broker" },
);

export function viewBroker(
  { trustDomain: name, generation }: Pick<Broker, "trustDomain" | "generation">,
  { refreshHintSeconds, cas, next }: BrokerCas,
): Static<typeof brokerView> {
  return {
    trustDomain: name,
    generation,
    refreshHintSeconds,
    certificateAuthorities: cas.map(({ authority, contribution, state, changedAt }) => ({
      authorityId: contribution.known.authorityId,
      fingerprint: authority.fingerprint,
      state: state as "prepared" | "active" | "retiring",
      changedAt: toRfc3339(changedAt),
      notBefore: toRfc3339(authority.notBefore),
      notAfter: toRfc3339(authority.notAfter),
    })),
    nextStep: next
      ? {
          step: next.step.kind,
          fingerprint: "ca" in next.step ? next.step.ca.authority.fingerprint : null,
          at: toRfc3339(next.at),
        }
      : null,
  };
}
