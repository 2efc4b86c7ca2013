"""The status as it is now, read from the store and everything beside it. For the tray, the panel and `framekeep status`."""

from __future__ import annotations

from collections.abc import Callable

from agent.consent import Participation, participation
from agent.control import Pause
from agent.errors import StoreError
from agent.identity import load_identity
from agent.status import Report, Status, compose
from agent.store import OutboxSummary, RowDamaged, Store


def read_status(
    store: Store | None,
    *,
    running: bool,
    pause: Callable[[], Pause],
    now: float,
    looking: Callable[[], bool] = lambda: True,
) -> Status:
    """The status at `now` (epoch seconds). `store` None: nothing was ever measured or enrolled here. What cannot be read is
    left out and said among the problems; `running` says whether an agent runs, `pause` what was asked of it, and `looking`
    (asked during a pause only) whether its eyes may hold a camera, where somebody can tell.
    """
    problems: list[str] = []
    report, outbox, held, answer = None, OutboxSummary(), Pause(), Participation.UNDECIDED
    if store is None:
        problems.append("Nothing was measured or enrolled here yet.")
    else:
        held = pause()
        try:
            data = store.status()
            report = Report.from_bytes(data) if data is not None else None
        except (RowDamaged, ValueError, KeyError, TypeError):
            problems.append("The last status cannot be read; the agent writes a new one when it runs.")
        except StoreError as error:
            problems.append(str(error))
        try:
            outbox = store.envelopes.summary()
            answer = participation(store.acknowledgements())
            if load_identity(store) is None:
                problems.append("This laptop is not enrolled: nothing is sent.")
        except StoreError as error:
            problems += [str(error)] if str(error) not in problems else []
    return compose(
        report,
        running=running,
        pause=held,
        looking=looking() if running and held.holds(now) else True,
        outbox=outbox,
        now=now,
        problems=tuple(problems),
        participation=answer.value,
    )
