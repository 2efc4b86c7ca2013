"""Promise: no combination of any number of answers isolates fewer than k people, and each rule is needed for that."""

from __future__ import annotations

import pytest

from tests import leaks


def test_the_rules_together_isolate_nobody() -> None:
    tried = leaks.Tried()
    assert leaks.search(None, range(400), tried) is None
    assert tried.answers > 800, "the search had next to nothing to combine"
    print(
        f"{tried.organisations} organisations, {tried.answers} answers, {tried.subsets} sets of people: nobody isolated"
    )


@pytest.mark.parametrize("off", leaks.OFF)
def test_without_one_rule_somebody_is_isolated(off: str) -> None:
    tried = leaks.Tried()
    found = leaks.search(off, range(400), tried)
    assert found, f"without '{off}' ({leaks.OFF[off]}) nobody was isolated in {tried.organisations} organisations"
    print(f"without '{off}': {found} (after {tried.organisations} organisations)")
