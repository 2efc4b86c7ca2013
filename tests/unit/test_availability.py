"""Holds the promises that a flapping signal does not make the camera light blink, that what nobody tells is no reason
to rest, and that what Linux answers is read for what it says.
"""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.attention.schedule import Availability
from agent.availability.board import Board
from agent.availability.linux import camera
from agent.availability.linux.battery import Supply, on_battery
from agent.availability.linux.devices import delivers_pictures, lid_among
from agent.availability.linux.holders import Holder, parent_in
from agent.availability.linux.pipewire import camera_running
from agent.availability.polled import slept
from agent.availability.settle import CALM_SECONDS, Settled, Signal, settle

LOCKED = frozenset({Signal.LOCKED})
NOTHING: frozenset[Signal] = frozenset()


def test_rest_at_once_and_go_on_after_a_calm() -> None:
    settled = settle(Settled(), LOCKED, 100.0)
    assert settled.signals == LOCKED
    assert settle(settled, NOTHING, 100.0 + CALM_SECONDS - 0.01).signals == LOCKED
    assert settle(settled, NOTHING, 100.0 + CALM_SECONDS).signals == NOTHING


def test_a_reason_does_not_prolong_another() -> None:
    settled = settle(settle(Settled(), LOCKED, 100.0), frozenset({Signal.IN_CALL}), 102.0)
    assert settled.signals == {Signal.LOCKED, Signal.IN_CALL}
    assert settle(settled, NOTHING, 103.5).signals == {Signal.IN_CALL}


def test_a_clock_that_goes_back_does_not_end_a_rest() -> None:
    assert settle(settle(Settled(), LOCKED, 100.0), NOTHING, 50.0).signals == LOCKED


@given(st.lists(st.tuples(st.floats(0.01, 2.0), st.booleans()), max_size=200))
def test_however_a_signal_flaps_the_light_goes_on_at_most_once_in_a_calm(steps: list[tuple[float, bool]]) -> None:
    now, settled, rests, last_true = 0.0, Settled(), False, None
    for seconds, value in steps:
        now += seconds
        settled = settle(settled, LOCKED if value else NOTHING, now)
        last_true = now if value else last_true
        assert not value or settled.signals, "at once"
        if rests and not settled.signals:
            assert last_true is not None and now - last_true >= CALM_SECONDS
        rests = bool(settled.signals)


def test_every_signal_is_a_field_of_availability() -> None:
    for signal in Signal:
        board = Board(lambda: 0.0, lambda: True)
        board.put(signal, "a source", True)
        assert board.read() == Availability(**{signal.value: True})


def test_any_source_is_enough_and_none_is_no_reason() -> None:
    time = [0.0]
    board = Board(lambda: time[0], lambda: True)
    board.put(Signal.LOCKED, "one", None, "it is missing")
    assert board.read() == Availability()
    board.put(Signal.LOCKED, "other", True)
    assert board.read().locked and board.holds(Signal.LOCKED)
    board.put(Signal.LOCKED, "one", False)
    assert board.read().locked
    board.put(Signal.LOCKED, "other", None)
    time[0] = CALM_SECONDS
    assert not board.read().locked


def test_the_battery_is_a_reason_only_by_the_rule() -> None:
    rule = [False]
    board = Board(lambda: 0.0, lambda: rule[0])
    board.put(Signal.ON_BATTERY, "a source", True)
    assert board.read() == Availability()
    rule[0] = True
    assert board.read() == Availability(on_battery=True)


def test_what_works_is_told_with_who_tells_it() -> None:
    board = Board(lambda: 0.0, lambda: True)
    board.put(Signal.LOCKED, "one", False)
    board.put(Signal.LOCKED, "two", True)
    board.put(Signal.LID_CLOSED, "one", None, "this machine has none")
    rows = {row.signal: row for row in board.describe()}
    assert (rows[Signal.LOCKED].works, rows[Signal.LOCKED].how) == (True, "one, two")
    assert (rows[Signal.LID_CLOSED].works, rows[Signal.LID_CLOSED].how) == (False, "one: this machine has none")
    assert not rows[Signal.ASLEEP].works and rows[Signal.ASLEEP].how


@pytest.mark.parametrize(
    ("supplies", "expected"),
    [
        ([], None),
        ([Supply("Mains", online=True)], None),
        ([Supply("Mains", online=True), Supply("Battery", status="Discharging")], False),
        ([Supply("Mains", online=False), Supply("Battery", status="Discharging")], True),
        ([Supply("Mains", online=False), Supply("USB", online=True), Supply("Battery")], False),
        ([Supply("Battery", status="Discharging"), Supply("Battery", status="Not charging")], True),
        ([Supply("Battery", status="Full")], False),
        ([Supply("Battery", status="Unknown")], None),
        ([Supply("Battery", device=True, status="Discharging")], None),
        ([Supply("Mains", online=True), Supply("Battery", device=True, status="Discharging")], None),
        ([Supply("Battery", status="Discharging"), Supply("USB", device=True, online=True)], True),
    ],
)
def test_battery(supplies: list[Supply], expected: bool | None) -> None:
    """A mouse's battery is not the laptop's."""
    assert on_battery(supplies) is expected


def test_a_camera_in_use_and_a_media_server_that_only_keeps_it() -> None:
    zoom, server, manager = Holder(7, 3, "zoom"), Holder(8, 3, "pipewire"), Holder(9, 3, "wireplumber")
    assert not camera.in_use((), None)
    assert not camera.in_use((), True), "what PipeWire said earlier of a camera nobody has open any more"
    assert camera.in_use((zoom,), None) and camera.in_use((zoom, manager), False)
    assert camera.in_use((server, manager), True) and not camera.in_use((server, manager), False)
    assert camera.in_use((server, manager), None) and not camera.in_use((manager,), None)
    assert camera.only_kept((server, manager)) and not camera.only_kept((zoom, server)) and not camera.only_kept(())


def test_costly_looks_are_further_apart() -> None:
    assert camera.spacing(0.0, (2.0, 60.0)) == 2.0
    assert camera.spacing(0.003, (2.0, 60.0), share=0.0003) == pytest.approx(10.0)
    assert camera.spacing(5.0, (2.0, 60.0)) == 60.0


def node(state: str, **props: str) -> dict[str, object]:
    """As pw-dump 0.3.65 writes it."""
    return {
        "id": 66,
        "type": "PipeWire:Interface:Node",
        "version": 3,
        "permissions": ["r", "w", "x", "m"],
        "info": {
            "max-input-ports": 0,
            "max-output-ports": 65,
            "change-mask": ["input-ports", "output-ports", "state", "props", "params"],
            "state": state,
            "error": None,
            "props": {
                "media.class": "Video/Source",
                **{name.replace("_", "."): value for name, value in props.items()},
            },
            "params": {},
        },
    }


@pytest.mark.parametrize(
    ("nodes", "expected"),
    [
        ([], False),
        ([node("suspended", media_role="Camera", device_api="v4l2")], False),
        ([node("idle", media_role="Camera")], False),
        ([node("running", media_role="Camera", device_api="v4l2")], True),
        ([node("running", device_api="libcamera")], True),
        ([node("running", node_name="gnome-shell")], False),
        ([{"id": 0, "type": "PipeWire:Interface:Core", "info": {"props": {}}}, 5, None], False),
        ([{"id": 1, "type": "PipeWire:Interface:Node", "info": None}], False),
    ],
)
def test_pipewire_a_shared_screen_is_no_camera(nodes: list[object], expected: bool) -> None:
    assert camera_running(json.dumps(nodes)) is expected


@pytest.mark.parametrize("text", ["", "{", '{"id": 1}', "null"])
def test_what_is_no_dump_tells_nothing(text: str) -> None:
    assert camera_running(text) is None


def test_a_process_may_be_called_anything() -> None:
    assert parent_in("4711 (tmux: server) S 1 4711 4711 0 -1 4194304") == 1
    assert parent_in("4711 (a) S 99 (b) R) S 815 1 1") == 815
    assert parent_in("") == 0 and parent_in("4711 (a) S") == 0


def test_udev_says_which_devices_deliver_pictures() -> None:
    assert delivers_pictures("S:v4l/by-id/x\nE:ID_V4L_VERSION=2\nE:ID_V4L_CAPABILITIES=:capture:\n")
    assert not delivers_pictures("E:ID_V4L_CAPABILITIES=:\n"), "data about pictures"
    assert not delivers_pictures("E:ID_V4L_CAPABILITIES=:video_output:\n")
    assert delivers_pictures("E:SUBSYSTEM=video4linux\n"), "udev does not say"


def test_a_lid_among_the_input_devices() -> None:
    lid = 'I: Bus=0019 Vendor=0000 Product=0005 Version=0000\nN: Name="Lid Switch"\nB: PROP=0\nB: EV=21\nB: SW=1\n'
    assert lid_among(lid)
    assert not lid_among(lid.replace("SW=1", "SW=4")), "a headphone socket"
    assert lid_among(lid.replace("SW=1", "SW=1 0 21"))
    assert not lid_among(lid.replace("SW=1", "SW=1 20"))
    assert not lid_among("")


def test_a_late_turn_is_sleep_and_a_busy_processor_is_not() -> None:
    assert not slept(1.2, 1.0)
    assert not slept(12.0, 1.0)
    assert slept(3600.0, 1.0)
