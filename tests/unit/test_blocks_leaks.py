"""Promise: no combination of any number of answers isolates fewer than k people, and each rule is needed for that."""

from __future__ import annotations

import pytest

from tests import leaks

SOME, MANY = range(25), range(25, 1500)


def none_is_isolated(seeds: range) -> None:
    tried = leaks.Tried()
    assert leaks.search(None, seeds, tried) is None
    assert tried.distinct > 20 * len(seeds), "the search had next to nothing to combine"
    print(f"{tried}: nobody isolated")


def somebody_is_isolated(off: str, seeds: range) -> None:
    tried = leaks.Tried()
    found = leaks.search(off, seeds, tried)
    assert found, f"without '{off}' ({leaks.OFF[off]}) nobody was isolated in {tried}"
    print(f"without '{off}': {found} (after {tried.organisations} organisations)")


def test_the_rules_together_isolate_nobody() -> None:
    none_is_isolated(SOME)


@pytest.mark.parametrize("off", leaks.OFF)
def test_without_one_rule_somebody_is_isolated(off: str) -> None:
    somebody_is_isolated(off, SOME)


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_the_rules_together_isolate_nobody_in_many_organisations() -> None:
    none_is_isolated(MANY)


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("off", leaks.OFF)
def test_without_one_rule_somebody_is_isolated_wherever_the_search_begins(off: str) -> None:
    for first in range(0, 200, 40):
        somebody_is_isolated(off, range(first, first + 40))
