"""Keeps the tray in step with the agent, and does what is asked of it. The tray decides nothing; this neither.

store, settings, signals -> desk.status() -> tray_view -> tray
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable

from agent.attention.hours import common, parse_hours
from agent.clock import Clock
from agent.consent import Participation
from agent.desk import Desk
from agent.errors import FramekeepError, StoreError
from agent.panel.language import Speech, choose_language
from agent.pipeline import local_zone
from agent.status import AgentState, Status
from agent.tray.base import Notice, Tray
from agent.tray.news import Facts, Told, news, no_icon
from agent.tray.pauses import tomorrow
from agent.tray.view import Action, LastSent, TrayView, tray_view
from agent.wire.documents import WorkHours

REFRESH_SECONDS = 20.0
"""How often the tray is brought up to date without any news: times in it are of the day."""
CALM_SECONDS = 0.25
"""News that come within this time are shown together."""
HOST_SECONDS = 5.0
"""How long a desktop may take to show the icon before the employee is told that nothing does."""

log = logging.getLogger(__name__)


class Presenter:
    """One for the running program. `say` writes a line where somebody may read it, if nowhere else."""

    def __init__(
        self,
        desk: Desk,
        tray: Tray,
        *,
        clock: Clock,
        stop: threading.Event,
        say: Callable[[str], None],
        policy_before: str | None,
    ) -> None:
        """`policy_before` is the policy of the last run, so that one that came meanwhile is told of."""
        self._desk, self._tray, self._clock, self._stop, self._say = desk, tray, clock, stop, say
        self._told_hidden = self._said_hidden = False
        self._facts: Facts | None = None
        self._told = Told(policy=policy_before)

    def unseen(self) -> str:
        """Why nobody could see that this program works; "" while the icon shows."""
        if self._tray.visible():
            return ""
        return self._speech().gettext(
            "Nothing on this desktop shows the Framekeep icon, so the camera stays off: add a system tray or status icons"
            " to your panel."
        )

    def run(self) -> None:
        """The presenter's thread: until the program stops."""
        hidden_since: float | None = None
        while not self._stop.is_set():
            self._desk.changed.clear()
            status = self._desk.status()
            try:
                self._tray.show(self.view(status))
                self._tell_news(status)
            except StoreError as error:  # a disk that is full or busy now: the next turn tries again
                log.error("%s", error)
            now = self._clock.monotonic()
            hidden_since = None if self._tray.visible() else (now if hidden_since is None else hidden_since)
            self._mind_the_host(hidden_since is not None and now - hidden_since >= HOST_SECONDS, hidden_since is None)
            self._desk.changed.wait(REFRESH_SECONDS if hidden_since is None else 1.0)
            self._stop.wait(CALM_SECONDS)

    def view(self, status: Status) -> TrayView:
        """What the tray shows now. Raises StoreError."""
        now, speech = self._clock.wall(), self._speech()
        return tray_view(
            status,
            now=now,
            zone=speech.zone,
            words=speech,
            hours=self._hours(),
            last_sent=self._last_sent(),
            quit_allowed=self._may_quit(),
        )

    def welcome(self) -> None:
        """The first start of all: show the notice, since nothing happens before it was read and answered. Later starts
        leave it to the icon, which asks for attention until then.
        """
        if self._desk.status().participation == Participation.UNDECIDED:
            self._desk.open_panel(self._complain, "welcome")

    def act(self, action: Action) -> None:
        """Do what was asked in the tray; in its thread, so nothing here waits."""
        now = self._clock.wall()
        try:
            match action:
                case Action.PAUSE:
                    self._desk.pause(None)
                case Action.PAUSE_15 | Action.PAUSE_30 | Action.PAUSE_60:
                    self._desk.pause(60.0 * int(action.value.removeprefix("pause_")))
                case Action.PAUSE_TOMORROW:
                    self._desk.pause(tomorrow(now, hours=self._hours(), zone=local_zone()) - now)
                case Action.RESUME:
                    self._desk.resume()
                case Action.OPEN_PANEL:
                    self._desk.open_panel(self._complain)
                case Action.OPEN_SENT:
                    self._desk.open_panel(self._complain, "sent")
                case Action.QUIT if self._may_quit():
                    self._stop.set()
                case Action.QUIT:
                    pass  # a menu that was open while the policy changed
        except FramekeepError as error:
            self._complain(str(error))
        self._desk.changed.set()

    def _complain(self, sentence: str) -> None:
        log.warning("What was asked for in the tray could not be done.")
        self._say(sentence)
        self._tray.notify(Notice("trouble", self._speech().gettext("Framekeep"), sentence))

    def _mind_the_host(self, hidden: bool, shown: bool) -> None:
        """Say once that nothing shows the icon; take it back when something does."""
        notice = no_icon(self._speech())
        if shown and self._told_hidden:
            self._told_hidden = False
            self._tray.withdraw(notice.key)
        if hidden and not self._told_hidden:
            self._told_hidden = self._tray.notify(notice)  # a notification server may come later: asked again
            if not self._told_hidden and not self._said_hidden:
                self._said_hidden = True
                self._say(notice.text)

    def _tell_news(self, status: Status) -> None:
        facts = Facts(
            paused=status.paused,
            paused_until=status.paused_until,
            measuring=status.state is AgentState.WATCHING,
            waiting_since=self._desk.panel.store.envelopes.oldest_waiting(),
            last_delivery=status.last_delivery,
            policy=status.policy_id,
        )
        now = self._clock.wall()
        due, self._told = news(self._facts or facts, facts, self._told, now=now, words=self._speech())
        self._facts = facts
        for notice in due:
            self._tray.notify(notice)

    def _may_quit(self) -> bool:
        documents = self._desk.documents()
        return documents is None or documents.policy is None or documents.policy.may_quit

    def _speech(self) -> Speech:
        system = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""
        accepted = system.partition(".")[0].replace("_", "-")
        return Speech(choose_language(self._desk.config().language, accepted), local_zone())

    def _hours(self) -> tuple[WorkHours, ...] | None:
        documents, own = self._desk.documents(), parse_hours(self._desk.config().hours)
        if documents is None or documents.policy is None:
            return own or None
        return common(documents.policy.work_hours, own) if own else documents.policy.work_hours

    def _last_sent(self) -> LastSent | None:
        sent = self._desk.panel.store.envelopes.last_sent()
        return None if sent is None else LastSent(*sent)
