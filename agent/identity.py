"""Who this laptop is to the service, and how it came to be: enrolment with a one-time code.

Every step may be interrupted. The device key is kept before it is sent, the identity is written last, and the service
gives the same answer to the same code and key: typing the same code again finishes what was begun. A key that replaces
a revoked one is kept under a name of its own until then.
"""

from __future__ import annotations

import json
import logging
from dataclasses import asdict, dataclass
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.acceptance import Roots, accept_keyset, accept_policy, accept_roots, read_roots
from agent.errors import EnrolmentRefused, NotEnrolled, PolicyError, UsageError
from agent.keys import DEVICE_KEY, NEXT_DEVICE_KEY, KeyStore, device_key, make_device_key
from agent.outbox.delivery import Failure, FailureKind, Reply
from agent.outbox.link import Link, ServiceUnreachable
from agent.outbox.papers import held_roots, put_roots
from agent.store.store import DocumentKind, Store
from agent.wire.documents import MAX_DOCUMENT, check_endpoint
from agent.wire.enrolment import EnrolmentCode, check_answer, enrol_request
from agent.wire.errors import WireError
from agent.wire.ids import device_id
from agent.wire.strict import canonical, from_b64, strict_json, to_b64

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Identity:
    """An enrolled device: organisation and device id (32 hex digits each), the organisation's first root public key
    (base64), from which its successors are followed, the service's address as its keyset names it, when it was enrolled (epoch seconds), whether the service
    revoked it since, and what the service last acknowledged of participation (None: it was never told).
    """

    org: str
    device: str
    root: str
    endpoint: str
    enrolled: int
    revoked: bool = False
    told: bool | None = None

    @property
    def roots(self) -> Roots:
        """Where the chain of the organisation's roots begins."""
        return Roots(self.org, from_b64(self.root, "root", 32))

    def to_bytes(self) -> bytes:
        """For the store."""
        return json.dumps(asdict(self), separators=(",", ":")).encode("ascii")

    @classmethod
    def from_bytes(cls, data: bytes) -> Identity:
        """The reverse."""
        return cls(**json.loads(data))


def load_identity(store: Store) -> Identity | None:
    """The identity kept in the store; None when not enrolled. Raises StoreError."""
    data = store.identity()
    return None if data is None else Identity.from_bytes(data)


def require_identity(store: Store) -> Identity:
    """As `load_identity`. Raises NotEnrolled with what to do."""
    identity = load_identity(store)
    if identity is None:
        raise NotEnrolled("This laptop is not enrolled: run framekeep enroll CODE with the code you were given.")
    return identity


def enroll(typed: str, server: str, *, store: Store, keys: KeyStore, link: Link | None = None, now: float) -> Identity:
    """Join the organisation that issued the code, at `server`. Nothing that identifies this laptop is sent before
    the server has shown that it is that organisation's.

    Raises UsageError (mistyped code or address), EnrolmentRefused, PolicyError (documents not acceptable),
    ServiceUnreachable or StoreError. After any of them, and after a crash, the same call may be repeated.
    """
    try:
        code = EnrolmentCode.parse(typed)
        server = check_endpoint(server.rstrip("/"))
    except WireError as error:
        raise UsageError(_sentence(str(error))) from error
    org = code.fingerprint.hex()
    before = load_identity(store)
    if before is not None and before.org != org:
        raise EnrolmentRefused(
            "This laptop belongs to another organisation: run framekeep erase first if it should leave it."
        )
    link = link or Link(server)
    try:
        roots, document = _fetch_keyset(link, org)
        key = _key_to_enrol(before, store, keys)
        public = key.public_key().public_bytes_raw()
        reply = _ask(link, "POST", "/v1/devices", canonical(enrol_request(code, org, key)))
    finally:
        link.close()
    if reply.status == 403:
        raise EnrolmentRefused(
            "The service does not accept this code: it may have been used or be older than three days; ask for a new one."
        )
    if reply.status != 201:
        raise ServiceUnreachable(_unexpected(reply, "enrolment"))
    try:
        answer = check_answer(strict_json(reply.body, 4 * MAX_DOCUMENT), code=code, org=org, device_public=public)
        keyset_body, policy_body = canonical(answer["keyset"]), canonical(answer["policy"])
    except WireError as error:
        raise EnrolmentRefused(
            f"The answer to the enrolment is not to be trusted ({error}): nothing was kept."
        ) from error
    keys.put(DEVICE_KEY, key.private_bytes_raw())
    identity = _keep(store, roots, device_id(public), document, keyset_body, policy_body, now)
    keys.delete(NEXT_DEVICE_KEY)
    return identity


def _key_to_enrol(before: Identity | None, store: Store, keys: KeyStore) -> Ed25519PrivateKey:
    """The key this device has, or the new one that takes the place of a revoked one: the same at every try."""
    revoked = before.device if before is not None and before.revoked else None
    for name in (NEXT_DEVICE_KEY, DEVICE_KEY):
        key = device_key(keys, name)
        if key is not None and device_id(key.public_key().public_bytes_raw()) != revoked:
            return key
    store.envelopes.start_numbering()
    return make_device_key(keys, NEXT_DEVICE_KEY)


def _keep(
    store: Store, roots: Roots, device: str, fetched: bytes, keyset_body: bytes, policy_body: bytes, now: float
) -> Identity:
    """Check the documents of the answer, keep them, and the identity last."""
    held = store.document(DocumentKind.KEYSET)
    first = Roots(roots.org, roots.keys[0])
    accept_roots(roots, held=held_roots(store, first))
    accept_keyset(fetched, roots=roots, held=held)
    keyset = accept_keyset(keyset_body, roots=roots, held=held)
    policy = accept_policy(policy_body, roots=roots, keyset=keyset, held=[store.document(DocumentKind.POLICY)])
    if roots.links:
        put_roots(store, roots)
    store.put_document(DocumentKind.KEYSET, seq=keyset.seq, body=keyset_body)
    store.put_document(DocumentKind.POLICY, seq=policy.seq, body=policy_body)
    identity = Identity(roots.org, device, to_b64(first.root), keyset.endpoint, int(now))
    store.put_identity(identity.to_bytes())
    log.info("Enrolled.")
    return identity


def _fetch_keyset(link: Link, org: str) -> tuple[Roots, bytes]:
    reply = _ask(link, "GET", f"/v1/keyset?org={org}")
    if reply.status == 404:
        raise EnrolmentRefused(
            "This service does not know the organisation that issued the code: check the server's address."
        )
    if reply.status != 200:
        raise ServiceUnreachable(_unexpected(reply, "keyset"))
    try:
        roots, document = read_roots(reply.body, org)
        accept_keyset(document, roots=roots, held=None)
    except PolicyError as error:
        raise EnrolmentRefused(str(error)) from error
    return roots, document


def _ask(link: Link, method: str, path: str, body: bytes | None = None) -> Reply:
    headers = {"Content-Type": "application/json"} if body is not None else {}
    reply = link.request(method, path, body=body, headers=headers)
    if isinstance(reply, Reply):
        return reply
    host = urlsplit(link.endpoint).netloc
    kind = reply.kind if isinstance(reply, Failure) else FailureKind.BROKEN
    what = {
        FailureKind.NAME: "cannot be found: check the address and your network",
        FailureKind.REFUSED: "does not accept connections: check the address, or try again later",
        FailureKind.TLS: "has no certificate this laptop trusts: check the address and this laptop's clock",
        FailureKind.TIMEOUT: "did not answer in time: try again later",
        FailureKind.PROXY: "cannot be reached through the configured proxy: check the setting proxy",
        FailureKind.BROKEN: "broke the connection: try again",
    }[kind]
    raise ServiceUnreachable(f"The service {host} {what}.")


def _unexpected(reply: Reply, what: str) -> str:
    if 300 <= reply.status < 400 or reply.status == 200:
        return f"Something else than the service answered for the {what}: log in to the network first, then try again."
    return f"The service could not answer for the {what} (answer {reply.status}): try again later."


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")
