"""Finds the endpoint for a method and a path; one table for every way to mount it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from sync_service.http import Answer, Endpoint, refusal

_NOT_FOUND = refusal(404, "not_found")


class Table:
    """The endpoints by path. Paths without parameters come first, so that no parameter takes their names."""

    def __init__(self, endpoints: Iterable[Endpoint]) -> None:
        self._plain: dict[str, dict[str, Endpoint]] = {}
        self._patterns: list[tuple[re.Pattern[str], dict[str, Endpoint]]] = []
        patterns: dict[str, dict[str, Endpoint]] = {}
        for endpoint in endpoints:
            group = self._plain if "<" not in endpoint.path else patterns
            group.setdefault(endpoint.path, {})[endpoint.method] = endpoint
        for path, methods in patterns.items():
            self._patterns.append((re.compile(re.sub(r"<(\w+)>", r"(?P<\1>[^/]+)", path)), methods))

    def match(self, method: str, path: str) -> tuple[Endpoint, dict[str, str]] | Answer:
        """The endpoint and its path parameters; HEAD is GET's. Else the answer: 404, 405 that names what is allowed, or
        204 that does, to OPTIONS. Other origins are allowed nothing, so nothing is said about them.
        """
        methods, params = self._find(path)
        endpoint = methods.get("GET" if method == "HEAD" else method)
        if endpoint is not None:
            return endpoint, params
        if not methods:
            return _NOT_FOUND
        known = {*methods, "OPTIONS", *(["HEAD"] if "GET" in methods else [])}
        allow = {"Allow": ", ".join(sorted(known))}
        given = Answer(204) if method == "OPTIONS" else refusal(405, "method_not_allowed")
        return replace(given, headers=allow)

    def _find(self, path: str) -> tuple[dict[str, Endpoint], dict[str, str]]:
        if path in self._plain:
            return self._plain[path], {}
        for pattern, methods in self._patterns:
            match = pattern.fullmatch(path)
            if match:
                return methods, match.groupdict()
        return {}, {}
