"""Holds the promise that a click on the menu means what was read: numbers stay with their meaning, only what can be chosen
acts, and hosts are told exactly what changed.
"""

from __future__ import annotations

from dbus_fast import Variant

from agent.tray.dbusmenu import DBusMenu
from agent.tray.menu_tree import ROOT, MenuTree, properties
from agent.tray.view import Action, Kind, MenuItem

PAUSE = MenuItem("pause", Kind.ACTION, "Pause", action=Action.PAUSE)
RESUME = MenuItem("resume", Kind.ACTION, "Resume", action=Action.RESUME)
LINE = MenuItem("line", Kind.TEXT, "Measuring.", enabled=False)
RULE = MenuItem("rule", Kind.SEPARATOR)


def number_of(tree: MenuTree, item: MenuItem) -> int:
    (number,) = (number for number, _ in tree.properties_of((), ()) if tree.item(number) == item)
    return number


def test_an_entry_keeps_its_number_when_others_come_and_go() -> None:
    tree = MenuTree()
    tree.put((LINE, PAUSE))
    pause = number_of(tree, PAUSE)
    tree.put((RESUME, RULE, LINE))
    assert tree.item(pause) is None, "its number stands for nothing else meanwhile"
    tree.put((RESUME, PAUSE))
    assert number_of(tree, PAUSE) == pause


def test_other_entries_are_a_new_layout_and_other_words_are_not() -> None:
    tree = MenuTree()
    assert tree.put((LINE, PAUSE)).layout
    revision = tree.revision
    assert tree.put((LINE, PAUSE)).properties == ()
    changed = MenuItem("line", Kind.TEXT, "Paused.", enabled=False)
    change = tree.put((changed, PAUSE))
    assert not change.layout and tree.revision == revision
    assert change.properties == ((number_of(tree, changed), properties(changed)),)
    assert tree.put((PAUSE, changed)).layout and tree.revision == revision + 1


def test_the_layout_holds_what_the_interface_wants() -> None:
    tree = MenuTree()
    tree.put((LINE, RULE, PAUSE))
    layout = tree.layout(ROOT, -1, [])
    assert layout is not None
    number, values, children = layout
    assert (number, values) == (ROOT, {"children-display": Variant("s", "submenu")})
    assert [child.signature for child in children] == ["(ia{sv}av)"] * 3
    line, rule, pause = (child.value for child in children)
    assert line[1] == {"label": Variant("s", "Measuring."), "enabled": Variant("b", False)}
    assert rule[1] == {"type": Variant("s", "separator")}
    assert pause[1:] == [{"label": Variant("s", "Pause"), "enabled": Variant("b", True)}, []]
    labels = tree.layout(ROOT, 1, ["label"])
    assert labels is not None and labels[2][2].value[1] == {"label": Variant("s", "Pause")}
    assert tree.layout(ROOT, 0, []) == [ROOT, values, []]
    assert tree.layout(pause[0], -1, []) == pause
    assert tree.layout(99, -1, []) is None
    assert [number for number, _ in tree.properties_of((), ())] == [ROOT, line[0], rule[0], pause[0]]
    assert tree.properties_of((pause[0], 99), ("enabled",)) == [(pause[0], {"enabled": Variant("b", True)})]


def test_an_underscore_is_not_read_as_the_mark_of_a_key() -> None:
    assert properties(MenuItem("line", Kind.TEXT, "video_0"))["label"].value == "video__0"


def test_only_what_can_be_chosen_acts_and_only_when_clicked() -> None:
    chosen: list[Action] = []
    menu = DBusMenu(chosen.append)
    off = MenuItem("quit", Kind.ACTION, "Quit", enabled=False, action=Action.QUIT)
    menu.put((LINE, PAUSE, off))
    for number in range(-1, 6):
        menu._clicked(number, "hovered")
        menu._clicked(number, "opened")
    assert chosen == []
    for number in range(-1, 6):
        menu._clicked(number, "clicked")
    assert chosen == [Action.PAUSE]
    menu.put((LINE, RESUME))
    menu._clicked(2, "clicked")
    assert chosen == [Action.PAUSE], "a click that comes too late does nothing"
