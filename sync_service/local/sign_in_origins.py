"""Whom the managers' pages may ask besides this service: the identity providers that administrators set up.

A page signs in at its organisation's provider by itself (authorization code with PKCE): it reads the provider's discovery
document and exchanges a code at its token endpoint, which may be on another host than the issuer. Both go into the
pages' content security policy, and nobody else.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from sync_service.errors import ServiceError
from sync_service.oidc import check_address, discovery_address
from sync_service.ports import Database

FRESH_SECONDS = 3600.0
AGAIN_SECONDS = 60.0
"""An endpoint that could not be learned is asked for again after this long."""
MOST = 20

log = logging.getLogger(__name__)


@dataclass
class SignInOrigins:
    """Called by one thread at a time (`pages.AskedForAll`); asks the database, and each provider at most once an hour. `db` speaks as framekeep_api,
    `fetch` gives the bytes of a small document (`providers.Fetcher`).
    """

    db: Database
    fetch: Callable[[str], bytes]
    monotonic: Callable[[], float] = time.monotonic
    _known: dict[str, tuple[float, str | None]] = field(default_factory=dict)

    def __call__(self) -> list[str]:
        """Addresses whose origins may be asked; none where nobody signs in at a provider, or none can be looked up."""
        try:
            rows = self.db.run("select distinct issuer from sign_in order by issuer limit :most", most=MOST)
        except ServiceError as error:
            log.warning("the pages go without a provider to sign in at: %s", error)
            return []
        issuers = [str(row["issuer"]) for row in rows]
        return [*issuers, *(each for issuer in issuers if (each := self._token_endpoint(issuer)))]

    def _token_endpoint(self, issuer: str) -> str | None:
        now = self.monotonic()
        until, known = self._known.get(issuer, (0.0, None))
        if now >= until:
            try:
                check_address(issuer, "the issuer")
                known = _endpoint(self.fetch(discovery_address(issuer)), issuer)
                until = now + FRESH_SECONDS
            except (ServiceError, ValueError) as error:
                # What was learned before goes on serving: whoever signs in there is told by the provider itself.
                log.warning("the identity provider %s names no token endpoint: %s", issuer, error)
                until = now + AGAIN_SECONDS
            self._known[issuer] = (until, known)
        return known


def _endpoint(body: bytes, issuer: str) -> str | None:
    """The token endpoint a discovery document of this issuer names. Raises ValueError for another one's document."""
    document = json.loads(body)
    if not isinstance(document, dict) or document.get("issuer") != issuer:
        raise ValueError("its discovery document is not its own")
    endpoint = document.get("token_endpoint")
    return endpoint if isinstance(endpoint, str) else None
