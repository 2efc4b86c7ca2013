"""One device cannot fill the inbox; no honest laptop ever meets the limit."""

from __future__ import annotations

from sync_service.quota import HOUR, Quota
from tests.world import NOW


def test_more_than_an_hours_worth_has_to_wait_and_then_fits() -> None:
    quota = Quota(envelopes=60, size=10**6)
    assert [quota.take("a", 10, now=NOW) for _ in range(60)] == [0] * 60
    wait = quota.take("a", 10, now=NOW)
    assert 1 <= wait <= 61
    assert quota.take("b", 10, now=NOW) == 0  # others do not pay for it
    assert quota.take("a", 10, now=NOW + wait - 2) > 0
    assert quota.take("a", 10, now=NOW + wait) == 0
    assert [quota.take("a", 10, now=NOW + wait + HOUR) for _ in range(60)] == [0] * 60


def test_bytes_count_as_well() -> None:
    quota = Quota(envelopes=1000, size=100_000)
    assert [quota.take("a", 50_000, now=NOW) for _ in range(2)] == [0, 0]
    assert quota.take("a", 50_000, now=NOW) == HOUR // 2
    assert quota.take("a", 50_000, now=NOW + HOUR // 2) == 0


def test_a_clock_set_back_locks_nobody_out() -> None:
    quota = Quota(envelopes=60, size=10**6)
    for _ in range(30):
        assert quota.take("a", 10, now=NOW) == 0
    assert quota.take("a", 10, now=NOW - 10**6) == 0
    assert quota.take("a", 10, now=NOW) == 0


def test_thirty_days_are_delivered_within_a_day_however_they_were_packed() -> None:
    quota, now = Quota(), NOW
    for _ in range(8640):
        while wait := quota.take("a", 3000, now=now):
            now += wait
    assert now - NOW < 8 * HOUR
    assert sum(quota.take("b", 65536, now=NOW) for _ in range(60)) == 0
