"""Where alerts may go: which addresses are taken, and which of the internet's are anybody's."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
"""An IPv4 address inside IPv6 (RFC 6052): what counts is the address inside."""


def is_public(address: str) -> bool:
    """Whether an IP address is one of the open internet: not this machine, a private network or a special purpose."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        inside = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if ip in _NAT64:
            inside = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inside is not None:
            return is_public(str(inside))
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


def webhook_problem(url: str) -> str | None:
    """Why nothing may be sent to this address; None when it may. Where its name leads is checked at every attempt."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "a webhook's address is written https://HOST[:PORT]/PATH"
    if parts.scheme != "https" or not host or not url.isascii() or any(c.isspace() or ord(c) < 32 for c in url):
        return "a webhook's address is written https://HOST[:PORT]/PATH"
    if parts.username is not None or parts.fragment:
        return "a webhook's address holds no password and no fragment; its signature says who sent a message"
    return None


def email_problem(address: str) -> str | None:
    """Why this is no e-mail address alerts can go to; None when it is one."""
    return None if _ADDRESS.fullmatch(address) else "an e-mail address is written NAME@HOST, nothing else beside it"
