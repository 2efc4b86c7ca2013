"""What can be wrong with bytes from the wire. `code` is the stable word an answer carries."""

from __future__ import annotations


class WireError(ValueError):
    """The root: these bytes are not what the format says. Nothing of them may be used."""

    code = "malformed"


class Malformed(WireError):
    """Not the exact form the format asks for."""


class UnsupportedVersion(WireError):
    """A version or suite this program does not know; a newer one may."""

    code = "unsupported_version"


class TooLarge(WireError):
    """More bytes than the format allows."""

    code = "too_large"


class BadSignature(WireError):
    """The signature, message code or key does not fit the bytes."""

    code = "not_authenticated"


class CannotOpen(WireError):
    """The sealed bytes do not open under this key and header."""

    code = "cannot_open"
