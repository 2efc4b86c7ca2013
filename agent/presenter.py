"""Keeps the tray in step with the agent, and does what is asked of it. The tray decides nothing; this neither.

store, settings, signals -> desk.status() -> tray_view -> tray
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace

from agent.attention.schedule import Hours
from agent.clock import Clock
from agent.consent import Participation
from agent.desk import Desk
from agent.errors import FramekeepError, StoreError
from agent.in_force import hours_in_force, may_quit
from agent.panel.language import Speech, choose_language
from agent.status import AgentState, Status
from agent.tray.base import Notice, Tray
from agent.tray.icon import Icon
from agent.tray.news import Facts, Told, news, no_icon
from agent.tray.pauses import tomorrow
from agent.tray.view import STARTING, Action, LastSent, TrayView, tray_view
from agent.zone import local_zone

REFRESH_SECONDS = 20.0
"""How often the tray is brought up to date without any news: times in it are of the day."""
HIDDEN_SECONDS = 1.0
"""The same while nothing shows the icon."""
RETRY_SECONDS = 5.0
"""The same after it failed."""
CALM_SECONDS = 0.25
"""News that come within this time are shown together."""
STALE_FAILURES = 3
"""So many turns may fail in a row before the icon stops saying what was true once."""
HOST_SECONDS = 5.0
"""How long a desktop may take to show the icon before the employee is told that nothing does."""
UNSEEN = (
    "Nothing on this desktop shows the Framekeep icon, so the camera stays off: add a system tray or status icons to your"
    " panel."
)
"""A sentence of the status, as others translated where it is shown."""
STALE = "Framekeep cannot tell what it is doing at the moment: open the privacy panel to see."

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
        self._told_hidden = self._said_hidden = self._opened_hidden = False
        self._hidden_since: float | None = None
        self._facts: Facts | None = None
        self._sent: LastSent | None = None
        self._shown = STARTING
        self._failures = 0
        self._told = Told(policy=policy_before)

    def unseen(self) -> str:
        """Why nobody could see that this program works; "" while the icon shows."""
        if self._tray.visible():
            return ""
        return UNSEEN

    def run(self) -> None:
        """The presenter's thread: until the program stops. Whatever goes wrong in a turn is tried again in the next one:
        an icon that nobody keeps current would go on to say what was true once.
        """
        while not self._stop.is_set():
            self._desk.changed.clear()
            wait = RETRY_SECONDS
            try:
                self.turn()
                self._failures = 0
                wait = REFRESH_SECONDS if self._hidden_since is None else HIDDEN_SECONDS
            except StoreError as error:  # a disk that is full or busy now
                log.error("%s", error)
                self._count_failure()
            except Exception:  # whatever it was: tried again in the next turn, and said after some
                log.exception("The tray could not be brought up to date.")
                self._count_failure()
            self._desk.changed.wait(wait)
            self._stop.wait(CALM_SECONDS)

    def turn(self) -> None:
        """Bring the tray up to date, and tell what is new. Raises StoreError."""
        status = self._desk.status()
        self._shown = self.view(status)
        self._tray.show(self._shown)
        now = self._clock.monotonic()
        if self._tray.visible():
            self._hidden_since = None
        elif self._hidden_since is None:
            self._hidden_since = now
        hidden = self._hidden_since is not None and now - self._hidden_since >= HOST_SECONDS
        self._mind_the_host(hidden, self._hidden_since is None, told_in_panel=UNSEEN in status.problems)
        self._tell_news(status)

    def view(self, status: Status) -> TrayView:
        """What the tray shows now."""
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
        except Exception:  # whatever it was: the menu must go on working
            log.exception("What was asked for in the tray failed.")
            self._complain("That failed through a fault in Framekeep: try it again, or in the privacy panel.")
        self._desk.changed.set()

    def _complain(self, sentence: str) -> None:
        log.warning("What was asked for in the tray could not be done.")
        self._say(sentence)
        speech = self._speech()
        self._tray.notify(Notice("trouble", speech.gettext("Framekeep"), speech.gettext(sentence)))

    def _count_failure(self) -> None:
        """After some failed turns the icon asks for attention; its menu stays, since a pause may still work."""
        self._failures += 1
        if self._failures < STALE_FAILURES:
            return
        try:
            said = self._speech().gettext(STALE)
            first = [replace(item, label=said) if item.id == "line_0" else item for item in self._shown.items]
            self._tray.show(replace(self._shown, icon=Icon.ATTENTION, title=said, tooltip=said, items=tuple(first)))
        except Exception:  # the tray itself fails, or the settings: the next turn tries both again
            log.exception("Not even that could be shown.")

    def _mind_the_host(self, hidden: bool, shown: bool, *, told_in_panel: bool) -> None:
        """Say once that nothing shows the icon; take it back when something does. Where no notification server takes that
        either, the panel opens, as soon as it says so (`told_in_panel`); again only after the icon was there meanwhile.
        """
        notice = no_icon(self._speech())
        if shown:
            self._opened_hidden = False
        if shown and self._told_hidden:
            self._told_hidden = False
            self._tray.withdraw(notice.key)
        if hidden and not self._told_hidden:
            self._told_hidden = self._tray.notify(notice)  # a notification server may come later: asked again
            if not self._told_hidden and not self._said_hidden:
                self._said_hidden = True
                self._say(notice.text)
            if not self._told_hidden and told_in_panel and not self._opened_hidden:
                self._opened_hidden = True
                self._desk.open_panel(self._complain)

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
        return may_quit(self._desk.documents())

    def _speech(self) -> Speech:
        system = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""
        accepted = system.partition(".")[0].replace("_", "-")
        return Speech(choose_language(self._desk.config().language, accepted), local_zone())

    def _hours(self) -> Sequence[Hours] | None:
        return hours_in_force(self._desk.config(), self._desk.documents())

    def _last_sent(self) -> LastSent | None:
        try:
            sent = self._desk.panel.store.envelopes.last_sent()
        except StoreError as error:  # the icon must not wait for it
            log.error("%s", error)
            return self._sent
        self._sent = None if sent is None else LastSent(*sent)
        return self._sent
