"""Everything that is kept under one person's name, as one JSON object: what they can take away.

`tx` speaks as framekeep_person and has entered the person (`authz.enter`): row-level security leaves their own rows.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sync_service import access_log
from sync_service.ports import Database


def export(tx: Database, org: str, person: str, *, now: int) -> dict[str, Any]:
    """Everything kept under this person's name, as one object."""
    return {
        "format": "framekeep-export-1",
        "exported_at": datetime.fromtimestamp(now, ZoneInfo("UTC")).isoformat(),
        "organisation": tx.run("select id::text as id, name from organisation where id = :org", org=org)[0],
        **{name: tx.run(sql, person=person) for name, sql in _EXPORT.items()},
        "access_log": access_log.about_person(tx, person),
    }


_EXPORT = {
    "person": "select id::text as id, name, extract(epoch from created_at)::bigint as created_at from person "
    "where id = :person",
    "memberships": "select month::text as from_month, team::text as team from membership where person = :person "
    "order by month",
    "counted_in": "select month::text as month, team::text as team from cohort where person = :person order by month",
    "counts_since": "select since::text as since from counted_person where person = :person",
    "asked_for": """select id::text as id, act, team::text as team, person_name, since::text as since, decision,
        extract(epoch from asked_at)::bigint as asked_at, extract(epoch from decided_at)::bigint as decided_at,
        counts_from::text as counts_from from approval where person = :person order by asked_at, id""",
    "devices": """select d.id::text as id, extract(epoch from d.enrolled_at)::bigint as enrolled_at,
        extract(epoch from d.revoked_at)::bigint as revoked_at, a.version as agent, a.since::text as agent_since
        from device d left join device_agent a on a.device = d.id where d.person = :person order by d.enrolled_at""",
    "participation": """select p.device::text as device, p.participating, p.since::text as since
        from participation p join device d on d.id = p.device where d.person = :person order by p.device""",
    "codes": """select id::text as id, extract(epoch from created_at)::bigint as created_at,
        extract(epoch from used_at)::bigint as used_at from code where person = :person order by created_at""",
    "progress": """select p.device::text as device, p.lost, missing_envelopes(p.seqs) as missing,
        extract(epoch from p.last_received_at)::bigint as last_received_at
        from device_progress p join device d on d.id = p.device where d.person = :person order by p.device""",
    "receipts": """select r.device::text as device, r.envelope::text as envelope, r.outcome,
        extract(epoch from r.at)::bigint as at
        from receipt r join device d on d.id = r.device where d.person = :person order by r.at, r.envelope""",
    "quarter_hours": """select extract(epoch from slot)::bigint as start, policy, at_screen, looking_away, on_phone,
        absent, unknown, not_observed, frames, windows
        from person_rollup where person = :person order by slot, policy""",
    "corrections": """select id::text as id, extract(epoch from starts_at)::bigint as "from",
        extract(epoch from ends_at)::bigint as "to", counts_as as "as", note,
        extract(epoch from made_at)::bigint as made_at, in_time from correction where person = :person order by made_at, id""",
    "erasures": """select id::text as id, step, extract(epoch from requested_at)::bigint as requested_at,
        extract(epoch from due_at)::bigint as due_at from erasure_request where person = :person
        order by requested_at""",
}
