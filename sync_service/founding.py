"""An organisation whose root key is made and kept elsewhere: the service never sees it."""

from __future__ import annotations

from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.wire.documents import Keyset, Policy, check_endpoint, sign_document
from agent.wire.errors import WireError
from agent.wire.ids import organisation_id
from agent.wire.seal import SealKey
from agent.wire.signing import unsigned
from sync_service.drafting import DAY, DOCUMENT_DAYS
from sync_service.key_files import write_key
from sync_service.people import check_name
from sync_service.provision import DEFAULT_HOURS, Office, RequestError, record_seal_key, seal_entry


@dataclass(frozen=True)
class Founded:
    """A new organisation's id, the draft of its first keyset, and its first policy, which is signed already."""

    org: str
    keyset: bytes
    policy: bytes


def found(office: Office, name: str, endpoint: str, root: bytes, *, now: int) -> Founded:
    """A new organisation behind the root's public key (32 raw bytes): its policy signer and first seal key are made
    here. It works once the keyset is signed and published together with the policy. Raises RequestError.
    """
    check_name(name)
    try:
        check_endpoint(endpoint)
    except WireError as error:
        raise RequestError(f"the endpoint {endpoint!r} is not usable: {error}") from None
    org = organisation_id(root)
    if office.database.run("select 1 as one from organisation where name = :name or id = :id", name=name, id=org):
        raise RequestError(f"there is an organisation {name!r}, or one of this root key, already")
    signer, seal_key = Ed25519PrivateKey.generate(), SealKey.generate()
    write_key(office.keys.policy_path(org), signer)
    office.seal_keys.add(seal_key)
    entry, until = seal_entry(seal_key, now), now + DOCUMENT_DAYS * DAY
    with office.database.transaction() as tx:
        tx.run(
            "insert into organisation (id, name, root_public, created_at) values (:id, :name, :root, to_timestamp(:now))",
            id=org,
            name=name,
            root=root,
            now=now,
        )
        record_seal_key(tx, org, entry, now)
    keyset = Keyset(org, 1, now, until, endpoint, (entry,), (signer.public_key().public_bytes_raw(),))
    policy = Policy(org, 1, now, until, "p-1", DEFAULT_HOURS)
    return Founded(org, unsigned(keyset.to_payload()), sign_document("policy", policy.to_payload(), [signer]))
