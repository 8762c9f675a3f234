"""What a schema cannot say of a request that fits it; the project's own tests hold each against what does not."""

import json
import pathlib
import re
import unicodedata

import schemathesis

LONGEST = {"cursor": 512, "labelSelector": 1024}
NAMES_NO_MESHES = ("operator", "auditor")
NAMES = ("name", "displayName", "dialectVersion", "cluster")
LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
TRUST_DOMAIN = re.compile(r"[a-z0-9._-]{1,255}")
EXAMPLES = json.loads((pathlib.Path(__file__).parents[2] / "src/http/examples.json").read_text())
PEM = EXAMPLES["registerAuthorities"]["body"]["pem"]
# RFC 7517, A.1
JWK = {
    "kty": "EC",
    "crv": "P-256",
    "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
    "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
    "kid": "1",
}
MESH_IDS = {"meshId": "some-mesh", "proposer": "some-mesh", "peer": "other-mesh"}


@schemathesis.hook
def before_call(context, case, kwargs):
    # A cursor is good for the list that gave it, and a selector has a grammar of its own: any other text is 400.
    query = case.query or {}
    for name, longest in LONGEST.items():
        if isinstance(query.get(name), str) and len(query[name]) <= longest:
            del query[name]
    body = case.body
    if not isinstance(body, dict):
        return
    case.body = body = fitting(body)
    # A token of these roles speaks for no mesh, and one of the others for some.
    if case.operation.label == "POST /v1/tokens" and body.get("role") in NAMES_NO_MESHES:
        body.pop("meshes", None)
    elif case.operation.label == "POST /v1/tokens" and body.get("meshes", []) == []:
        body["meshes"] = ["shop"]
    # The other side is named, or a code of it is sent.
    if case.operation.label == "POST /v1/federations" and "proposer" in body and not {"peer", "code"} & body.keys():
        body["peer"] = "other-mesh"


def fitting(value, name=None):
    """Texts, names and keys as their grammars have them (S6, R3, RFC 5280, RFC 7517): what else is wrong stays wrong."""
    if isinstance(value, dict):
        if name == "bundle" and not isinstance(value.get("keys"), list):
            return {**value, "keys": []}
        if name == "jwk":
            return JWK
        if name == "labels":
            return {key: seen(one) if isinstance(one, str) else one for key, one in value.items()}
        return {key: fitting(one, key) for key, one in value.items()}
    if isinstance(value, list):
        # A document names each thing once.
        value = value[:1] if name in ("authorities", "pollers", "federations") else value
        return [fitting(one, "trustDomain" if name == "trustDomains" else name) for one in value]
    if name == "pem" and isinstance(value, str):
        return PEM
    # A schema's integer may be written 1.0; a hint, and what else is counted here, may not (S3).
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if not isinstance(value, str) or len(value) > 1024:
        return value
    if name in MESH_IDS:
        return value if len(value) > 200 or LABEL.fullmatch(value) else MESH_IDS[name]
    if name == "trustDomain":
        return value if len(value) > 300 or TRUST_DOMAIN.fullmatch(value) else "some.example"
    if name == "reason":
        return seen(value) or "why"
    if name in NAMES:
        return seen(value).strip() or "a name"
    return value


def seen(text):
    """Without what is not seen, and short enough in bytes."""
    return "".join(one for one in text if unicodedata.category(one)[0] != "C" and one.isprintable())[:200]
