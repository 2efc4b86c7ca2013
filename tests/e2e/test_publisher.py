"""Promise: cohorts are frozen and numbers released exactly once, whatever is late, corrected, killed or run twice."""

from __future__ import annotations

import multiprocessing
import random
import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from sync_service import issuing, provision
from sync_service.errors import ServiceError
from sync_service.local.database import PostgresDatabase
from sync_service.publisher import Published, Publisher
from sync_service.timetable import Timing, instant
from tests.e2e.office import MONDAY, NOVEMBER, NOW, Quiet, found

BERLIN = ZoneInfo("Europe/Berlin")
NOW_DAY = date(2026, 11, 11)
NINE = instant(MONDAY, 9 * 60, BERLIN)


@pytest.fixture
def company(pg, tmp_path):
    return found(pg, tmp_path)


def publisher(company, timing=None):
    return Publisher(company.pg.role("publisher"), company.alerts, timing)


def publish(company, now=NOW, first_day=MONDAY):
    return publisher(company).run(now, first_day=first_day)


def blocks(company, day=MONDAY):
    return company.pg.owner.run(
        """select number, extract(epoch from starts_at)::bigint as starts, seconds, at_screen, absent, people, corrected
           from released_block where day = cast(:day as date) order by team, number""",
        day=day.isoformat(),
    )


def days(company):
    return {
        (row["team"], row["day"]): row["suppressed"]
        for row in company.pg.owner.run("select team, day::text, suppressed from released_day")
    }


def correct(company, person, start, slots, counts_as):
    company.pg.owner.run(
        """insert into correction (id, org, person, starts_at, ends_at, counts_as, note, made_at, in_time)
           values (gen_random_uuid(), :org, :person, to_timestamp(:a), to_timestamp(:b), :counts_as, '', now(), true)""",
        org=company.org,
        person=person,
        a=start,
        b=start + slots * 900,
        counts_as=counts_as,
    )


def test_a_day_is_released_with_its_blocks(company):
    for person in company.team("red", 6):
        company.measured(person, NINE, 8, at_screen=900)
    assert publish(company, now=instant(MONDAY + timedelta(days=2), 0, BERLIN)).blocks == 4
    rows = blocks(company)
    assert [row["at_screen"] for row in rows] == [95] * 4 and {row["people"] for row in rows} == {"5-7"}
    # Policy hours are 8 to 18: the walk begins at 8, and the first block closes when five were there half an hour.
    assert rows[0]["starts"] == instant(MONDAY, 8 * 60, BERLIN)
    assert sum(row["seconds"] for row in rows) == 10 * 3600


def test_nothing_is_fixed_before_midnight_two_days_later_nor_shown_before_six(company):
    for person in company.team("red", 5):
        company.measured(person, NINE, 4, at_screen=900)
    fixed = instant(MONDAY + timedelta(days=2), 0, BERLIN)
    publish(company, now=fixed - 1)
    assert (company.teams["red"], MONDAY.isoformat()) not in days(company)
    publish(company, now=fixed)
    shown = company.pg.owner.run(
        "select extract(epoch from shown_at)::bigint as at from released_day where day = cast(:d as date)",
        d=MONDAY.isoformat(),
    )
    assert shown == [{"at": fixed + 6 * 3600}]


def test_running_again_changes_nothing(company):
    for person in company.team("red", 5):
        company.measured(person, NINE, 8, at_screen=450, absent=450)
    publish(company)
    before = blocks(company)
    assert publish(company) == Published()
    assert blocks(company) == before and before


def test_late_data_corrections_and_erasure_never_change_what_was_released(company):
    people = company.team("red", 6)
    for person in people[:5]:
        company.measured(person, NINE, 8, at_screen=900)
    publish(company)
    before = blocks(company)
    company.measured(people[5], NINE, 8, absent=900)
    correct(company, people[0], NINE, 8, "absent")
    company.pg.owner.run(
        "insert into tombstone (kind, id, org, erasure, at) values ('person', :p, :org, gen_random_uuid(), now())",
        p=people[1],
        org=company.org,
    )
    publish(company, now=NOW + 5 * 86400)
    assert blocks(company) == before


def test_a_correction_that_takes_somebody_out_of_a_number_is_marked_too(company):
    people = company.team("red", 6)
    for person in people:
        company.measured(person, NINE, 2, at_screen=900)
    correct(company, people[0], NINE, 2, "not_observed")
    publish(company)
    assert [(row["at_screen"], row["people"], row["corrected"]) for row in blocks(company)] == [(95, "5-7", True)]


def test_whoever_is_new_counts_after_ten_active_days_and_goes_on_counting(company):
    company.team("red", 4)
    new = company.person("new", "red", new=True)
    weekdays = [MONDAY + timedelta(days=n) for n in range(-14, 2) if (MONDAY + timedelta(days=n)).isoweekday() < 6]
    assert weekdays.index(MONDAY) == 10
    rows = company.pg.owner.run("select id::text as id from person order by name")
    for person in [row["id"] for row in rows]:
        for day in weekdays[1:]:
            company.measured(person, instant(day, 9 * 60, BERLIN), 2, at_screen=900)
    publish(company)
    assert days(company)[company.teams["red"], MONDAY.isoformat()] == "too_few_people", "nine days are not enough"
    company.up_until(NOW + 86400)
    publish(company, now=NOW + 86400)
    tuesday = MONDAY + timedelta(days=1)
    assert days(company)[company.teams["red"], tuesday.isoformat()] is None and len(blocks(company, tuesday)) == 1
    since = company.pg.owner.run("select since::text as since from counted_person where person = :p", p=new)
    assert since == [{"since": tuesday.isoformat()}]
    company.pg.owner.run("delete from person_rollup where slot < to_timestamp(:at)", at=NINE)
    for person in [row["id"] for row in rows]:
        company.measured(person, instant(NOW_DAY, 9 * 60, BERLIN), 2, at_screen=900)
    company.up_until(NOW + 2 * 86400)
    publish(company, now=NOW + 2 * 86400)
    assert len(blocks(company, NOW_DAY)) == 1, "what was measured then is kept no longer, and no longer needed"


def test_a_suppressed_day_stays_suppressed(company):
    people = company.team("red", 5)
    for person in people[:4]:
        company.measured(person, NINE, 8, at_screen=900)
    publish(company)
    company.measured(people[4], NINE, 8, at_screen=900)
    publish(company, now=NOW + 86400)
    assert days(company)[company.teams["red"], MONDAY.isoformat()] == "too_few_people" and not blocks(company)


def test_corrections_in_time_change_the_number_and_are_marked(company):
    people = company.team("red", 5)
    for person in people:
        company.measured(person, NINE, 4, absent=900)
    correct(company, people[0], NINE, 2, "at_screen")
    publish(company)
    assert [(row["at_screen"], row["absent"], row["corrected"]) for row in blocks(company)] == [
        (20, 80, True),
        (5, 95, False),
    ]


def test_an_erased_person_is_left_out_of_what_is_not_released_yet(company):
    people = company.team("red", 5)
    for person in people:
        company.measured(person, NINE, 4, at_screen=900)
    company.pg.owner.run(
        "insert into tombstone (kind, id, org, erasure, at) values ('person', :p, :org, gen_random_uuid(), now())",
        p=people[1],
        org=company.org,
    )
    publish(company)
    assert days(company)[company.teams["red"], MONDAY.isoformat()] == "too_few_people"


def test_who_reads_a_team_or_is_reported_by_name_is_not_counted(company):
    people = company.team("red", 6)
    issuing.new_token(
        company.office, company.org, "Boss", "manager", now=NOW, teams=[company.teams["red"]], person=people[0]
    )
    company.pg.owner.run(
        "insert into policy_terms (org, policy, seq, individual_reports, k) values (:org, 'p-9', 9, true, 5)",
        org=company.org,
    )
    for person in people[:5]:
        company.measured(person, NINE, 4, at_screen=900)
    company.measured(people[5], NINE, 4, at_screen=900, policy="p-9")
    publish(company)
    counted = {row["person"] for row in company.pg.owner.run("select person from cohort")}
    assert counted == set(people[1:])
    assert days(company)[company.teams["red"], MONDAY.isoformat()] == "too_few_people"


def test_under_individual_reports_no_team_has_a_number(company):
    policy = issuing.next_policy(company.office, company.org, now=NOW, individual_reports=True)
    issuing.publish_policy(company.office, policy, now=NOW)
    for person in company.team("red", 7):
        company.measured(person, NINE, 4, at_screen=900)
    publish(company)
    assert not company.pg.owner.run("select person from cohort")
    assert days(company)[company.teams["red"], MONDAY.isoformat()] == "too_few_people"


def test_joiners_and_movers_count_from_the_next_month(company):
    red, blue = company.team("red", 5), company.team("blue", 5)
    company.measured(red[0], NINE, 4, at_screen=900)
    publish(company)
    late = company.person("Late", "red", since=None)
    with pytest.raises(provision.RequestError, match="from the next month on"):
        company.person("Backdated", "red", since=NOVEMBER)
    moved = provision.move_person(company.office, company.org, red[0], company.teams["blue"], now=NOW)
    assert moved == date(2026, 12, 1)
    publish(company, now=int(datetime(2026, 12, 3, tzinfo=UTC).timestamp()))
    cohorts = {
        (row["month"], row["person"]): row["team"]
        for row in company.pg.owner.run("select month::text, person, team from cohort")
    }
    assert ("2026-11-01", late) not in cohorts and cohorts["2026-12-01", late] == company.teams["red"]
    assert cohorts["2026-11-01", red[0]] == company.teams["red"]
    assert cohorts["2026-12-01", red[0]] == company.teams["blue"]
    assert cohorts["2026-12-01", blue[0]] == company.teams["blue"]


def test_before_anything_is_measured_people_count_at_once_and_past_months_may_be_set(company):
    company.team("red", 0)
    now_month = company.person("Ada", "red", since=None)
    past = company.person("Bob", "red", since=date(2026, 10, 1))
    months = {row["person"]: row["month"] for row in company.pg.owner.run("select person, month::text from membership")}
    assert months == {now_month: "2026-11-01", past: "2026-10-01"}


def test_nothing_is_frozen_or_released_before_anything_was_measured(company):
    company.team("red", 5)
    assert publish(company) == Published()


def test_days_before_a_team_existed_are_left_alone(company):
    people = company.team("red", 5)
    company.pg.owner.run("update team set created_at = to_timestamp(:now)", now=NOW)
    company.measured(people[0], NINE, 4, at_screen=900)
    publish(company, first_day=None)
    assert days(company) == {}


def test_a_day_waits_for_envelopes_that_came_in_time_but_not_forever(company):
    people = company.team("red", 5)
    for person in people:
        company.measured(person, NINE, 4, at_screen=900)
    company.pg.owner.run("select create_envelope_partition(to_timestamp(:t))", t=NINE)
    company.pg.owner.run(
        """insert into envelope (org, device, id, created, key, suite, sealed, sig, received_at)
           values (:org, :org, gen_random_uuid(), 1, :org, 1, ''::bytea, ''::bytea, to_timestamp(:t))""",
        org=company.org,
        t=NINE,
    )
    fixed = instant(MONDAY + timedelta(days=2), 0, BERLIN)
    assert publish(company, now=fixed).held == 1 and not days(company)
    company.up_until(fixed + 24 * 3600)
    assert publish(company, now=fixed + 24 * 3600).days >= 1


def test_after_an_outage_days_wait_for_what_laptops_kept(company):
    """Down from Monday noon to Thursday morning; the backlog comes while people work on Thursday."""
    people = company.team("red", 5)
    company.measured(people[0], NINE, 4, at_screen=900)
    publish(company, now=NINE + 3 * 3600)
    back = NINE + 3 * 86400
    assert publish(company, now=back).held == 2, "Monday and Tuesday, not suppressed for good"
    for person in people:
        company.measured(person, NINE, 4, at_screen=900)
    company.pg.owner.run(
        "update uptime set last_at = to_timestamp(:at) where started_at = to_timestamp(:back)",
        at=back + 72 * 3600 - 60,
        back=back,
    )
    publish(company, now=back + 72 * 3600 - 60)
    assert (company.teams["red"], MONDAY.isoformat()) not in days(company)
    publish(company, now=back + 72 * 3600)
    assert days(company)[company.teams["red"], MONDAY.isoformat()] is None and len(blocks(company)) == 2


def test_a_restart_or_a_short_absence_holds_nothing(company):
    for person in company.team("red", 5):
        company.measured(person, NINE, 4, at_screen=900)
    fixed = instant(MONDAY + timedelta(days=2), 0, BERLIN)
    for at in (fixed - 4 * 3600, fixed - 2 * 3600, fixed - 300):
        publish(company, now=at)
    assert publish(company, now=fixed).held == 0 and len(blocks(company)) == 2


def test_a_day_waits_for_what_was_accepted_and_is_not_in_the_database_yet(company):
    for person in company.team("red", 5):
        company.measured(person, NINE, 4, at_screen=900)
    fixed, asked = instant(MONDAY + timedelta(days=2), 0, BERLIN), []

    def unwritten(instant):
        asked.append(instant)
        return True

    waiting = Publisher(company.pg.role("publisher"), company.alerts, unwritten_before=unwritten)
    assert waiting.run(fixed, first_day=MONDAY).held == 1 and asked == [fixed]
    assert publish(company, now=fixed).days == 1


def test_a_policy_or_keyset_about_to_run_out_is_told_once_a_day(company):
    company.measured(company.team("red", 1)[0], NINE, 4, at_screen=900)
    made = NOW - 40 * 86400  # when the company was founded: its papers hold for a year
    late, one = made + 336 * 86400, publisher(company)
    publisher(company).run(made + 334 * 86400)
    assert company.alerts.said == []
    one.run(late)
    one.run(late + 60)
    assert sorted(kind for kind, _ in company.alerts.said) == ["keyset_expires", "policy_expires"]
    assert "29 more days" in company.alerts.said[0][1] and "admin policy renew" in company.alerts.said[0][1]
    one.run(late + 86400)
    assert len(company.alerts.said) == 4
    issuing.publish_policy(company.office, issuing.next_policy(company.office, company.org, now=late), now=late)
    root = company.office.keys.root_path(company.org)
    issuing.renew_keyset(company.office, company.org, now=late, root_file=root)
    one.run(late + 2 * 86400)
    assert len(company.alerts.said) == 4


def test_one_broken_organisation_does_not_stop_the_others(company, tmp_path):
    for person in company.team("red", 5):
        company.measured(person, NINE, 4, at_screen=900)
    other = found(company.pg, tmp_path / "other", "Other")
    other.measured(other.team("x", 5) and other.org, NINE, 4, at_screen=900)
    company.pg.owner.run("delete from document where org = :org", org=other.org)
    assert publish(company).blocks == 2
    assert [kind for kind, _ in company.alerts.said] == ["publish_failed"]


def test_the_publisher_cannot_change_or_remove_what_it_released(company):
    for person in company.team("red", 5):
        company.measured(person, NINE, 4, at_screen=900)
    publish(company)
    role = company.pg.role("publisher")
    for table in ("released_day", "released_block", "cohort", "cohort_month"):
        for statement in (f"delete from {table}", f"update {table} set org = org"):
            with pytest.raises(ServiceError, match="permission denied"):
                role.run(statement)


def test_without_delay_a_past_day_is_out_at_once_and_today_never(company):
    for person in company.team("red", 5):
        company.measured(person, NINE, 4, at_screen=900)
    evening = instant(MONDAY, 23 * 60, BERLIN)
    quick = publisher(company, Timing.without_delay())
    assert quick.run(evening, first_day=MONDAY) == Published(months=1)
    assert quick.run(evening + 3600, first_day=MONDAY) == Published(days=1, blocks=2)


def test_many_at_once_release_each_day_once(company):
    for person in company.team("red", 7):
        company.measured(person, NINE, 20, at_screen=600, looking_away=300)
    with ThreadPoolExecutor(6) as pool:
        done = list(pool.map(lambda _: publish(company, first_day=NOVEMBER), range(12)))
    assert sum(one.days for one in done) == len(days(company)) > 5
    assert sum(one.blocks for one in done) == len(blocks(company)) == 10


def _publish_for_ever(conninfo):
    database = PostgresDatabase(conninfo)
    while True:
        Publisher(database, Quiet()).run(NOW, first_day=NOVEMBER)


def test_killed_at_any_moment_no_day_is_half_released(company):
    for person in company.team("red", 6):
        company.measured(person, instant(NOVEMBER, 0, BERLIN), 96 * 9, at_screen=700)
    dice = random.Random(4)
    conninfo = company.pg.conninfo("framekeep_publisher")
    interrupted = 0
    for _ in range(20):
        for table in ("released_block", "released_day", "cohort", "cohort_month"):
            company.pg.owner.run(f"delete from {table}")
        process = multiprocessing.get_context("fork").Process(target=_publish_for_ever, args=(conninfo,))
        process.start()
        # By what it has done and not by the clock alone, so that a busy machine is killed in the middle as well.
        wanted, deadline = dice.randrange(9), time.monotonic() + 10
        while len(days(company)) < wanted and time.monotonic() < deadline:
            pass
        time.sleep(dice.random() * 0.01)
        process.kill()
        process.join()
        interrupted += 0 < len(days(company)) < 9
        half = company.pg.owner.run(
            """select d.day::text from released_day d left join released_block b using (team, day)
               group by d.team, d.day having (max(d.suppressed) is null) <> (count(b.number) > 0)
                 or (max(d.suppressed) is null and sum(b.seconds) <> 36000)"""
        )
        assert half == []
        publish(company, first_day=NOVEMBER)
        assert len(days(company)) == 9, "every day from the 1st to the 9th, weekends as days without work hours"
        assert len(company.pg.owner.run("select person from cohort")) == 6
    assert interrupted, "no kill fell between two days: the test shows nothing"
    print(f"{interrupted} of 20 kills fell between two days")


def enrolled(company, person, at):
    """A laptop of the person's, enrolled `at`."""
    company.pg.owner.run(
        """insert into device (id, org, person, public, enrolled_at)
           values (:id, :org, :person, decode(repeat('01', 32), 'hex'), to_timestamp(:at))""",
        id=secrets.token_hex(16),
        org=company.org,
        person=person,
        at=at,
    )


@pytest.mark.parametrize(("since", "why"), [(NINE - 1, "too_few_people"), (NINE - 21 * 86400, None)])
def test_ten_days_brought_by_a_fresh_laptop_make_nobody_count(company, since, why):
    colleagues = company.team("red", 4)
    new = company.person("new", "red", new=True)
    enrolled(company, new, since)
    enrolled(company, new, NINE)  # a second laptop takes no day away
    for person in (*colleagues, new):
        for day in (MONDAY - timedelta(days=n) for n in range(20)):
            company.measured(person, instant(day, 9 * 60, BERLIN), 4, at_screen=900)
    publish(company)
    assert days(company)[company.teams["red"], MONDAY.isoformat()] == why


def test_what_was_measured_before_the_first_laptop_is_no_measurement_for_a_team(company):
    people = company.team("red", 5)
    for person in people:
        company.measured(person, NINE, 8, at_screen=900)
    enrolled(company, people[0], NINE + 7 * 900)
    publish(company)
    assert days(company)[company.teams["red"], MONDAY.isoformat()] == "too_few_people"
