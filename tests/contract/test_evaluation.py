"""What a labelled folder must hold, what happens to one that does not, and where pictures of people may not go."""

from __future__ import annotations

import os
import re
import sys
import tempfile
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "models"))

from evaluation import compare, labels, places, readme, sheet

from agent.errors import UsageError

REPOSITORY = Path(__file__).resolve().parents[2]
EVALUATION_SET = """file,source,licence,category,phone_visible,face_visible,people,looking,phone_box,width,height,note,split
1.jpg,a/b,x,phone_in_hand,1,1,1,screen,1 2 30 40;5 6 7 8,640,480,edge-on,dev
2.jpg,a/b,x,object_not_phone,0,1,1,away,,640,480,"book, looking down",dev
3.jpg,c/d,x,no_face_desk,1,0,1,unknown,,640,480,"torso, no head; desk",dev
4.jpg,c/d,x,facing,0,1,1,unknown,,640,480,,dev
5.jpg,c/d,x,dark,-1,-1,-1,unknown,,640,480,synthesised from x,dev
6.jpg,c/d,x,object_not_phone,0,0,0,unknown,,640,480,a thing,dev
7.jpg,c/d,x,two_people,1,1,2,unknown,,640,480,,dev
"""
TRAINING_POOL = """file,source,licence,phone_visible,use,lookalike,phone_box,box_source,face_visible,width,height,note
1.jpg,a/b,x,1,at_ear,none,1 2 3 4,human,1,640,480,
2.jpg,a/b,x,0,none,wallet,,,1,640,480,
3.jpg,c/d,x,0,none,none,,,1,640,480,
4.jpg,c/d,x,1,on_desk,none,,,0,640,480,
"""


def folder(place: Path, table: str, pictures: int = 7) -> Path:
    (place / "labels.csv").write_text(table)
    for number in range(1, pictures + 1):
        (place / f"{number}.jpg").touch()
    return place


def test_an_evaluation_set(tmp_path: Path) -> None:
    labelled = labels.read(folder(tmp_path, EVALUATION_SET))
    one, two, three, four, five, six, seven = labelled.pictures
    assert [p.kind for p in labelled.pictures] == [
        "in_hand", "book", "on_desk", "facing", "dark", "object, not named", "two_people, with phone",
    ]  # fmt: skip
    assert [p.state for p in labelled.pictures] == [
        "on_phone",
        "looking_away",
        "looking_away",
        None,
        "unknown",
        "absent",
        None,
    ]
    assert one.boxes == ((1, 2, 30, 40), (5, 6, 7, 8)) and two.lens == "clear" and four.lookalike == ""
    assert (five.phone, five.face, five.people, five.lens) == (None, None, None, "dark")
    assert (three.phone_in_use, seven.phone_in_use) == (None, None)  # on the desk; not said
    assert (three.face, six.people) == (False, 0) and labelled.not_labelled == ()


def test_a_training_pool_says_less(tmp_path: Path) -> None:
    labelled = labels.read(folder(tmp_path, TRAINING_POOL))
    assert [p.kind for p in labelled.pictures] == ["at_ear", "wallet", "nothing named", "on_desk"]
    assert [p.phone_in_use for p in labelled.pictures] == [True, False, False, None]
    assert [p.state for p in labelled.pictures] == ["on_phone", None, None, None]
    assert labelled.not_labelled == ("lens condition", "screen or away", "number of people")


def test_part_of_a_folder(tmp_path: Path) -> None:
    place = folder(tmp_path, EVALUATION_SET)
    some = labels.read(place, ["category=facing", "category=dark", "source=c/d"]).pictures
    assert [p.file for p in some] == ["4.jpg", "5.jpg"]


@pytest.mark.parametrize(
    ("change", "only", "sentence"),
    [
        (("phone_visible,", ""), [], "has no column 'phone_visible'"),
        (("category,", "kind,"), [], "neither a column 'category' nor 'use'"),
        (("object_not_phone,0,1", "object_not_phone,maybe,1"), [], "line 3: phone_visible must be 1, 0 or -1"),
        (("1 2 30 40", "1 2 30"), [], "phone_box must be"),
        (("facing,0,1,1", "facing,0,1,one"), [], "people must be a whole number"),
        (("2.jpg", "1.jpg"), [], "names 1.jpg twice"),
        (("6.jpg", "9.jpg"), [], "names 9.jpg, missing in"),
        (("6.jpg", "/etc/hostname"), [], "names /etc/hostname, which is not below"),
        (("6.jpg", "../6.jpg"), [], "names ../6.jpg, which is not below"),
        (("facing,0", "smiling,0"), [], "line 5: category must be one of phone_in_hand, "),
        (("", ""), ["colour=red"], "--only takes COLUMN=VALUE"),
        (("", ""), ["category=nothing"], "No picture is left"),
    ],
)
def test_a_folder_that_cannot_be_scored_is_one_sentence(
    tmp_path: Path, change: tuple[str, str], only: list[str], sentence: str
) -> None:
    place = folder(tmp_path, EVALUATION_SET.replace(*change))
    with pytest.raises(UsageError, match=re.escape(sentence)) as error:
        labels.read(place, only)
    assert str(error.value).endswith(".") and "\n" not in str(error.value)


def test_a_table_that_a_spreadsheet_saved_begins_with_a_mark(tmp_path: Path) -> None:
    place = folder(tmp_path, "")
    (place / "labels.csv").write_text(EVALUATION_SET, encoding="utf-8-sig")
    assert len(labels.read(place).pictures) == 7


def test_pictures_the_verifier_may_have_learned_from_are_counted(tmp_path: Path) -> None:
    free = TRAINING_POOL.replace("1.jpg,a/b,x", "1.jpg,a/b,MIT").replace("2.jpg,a/b,x", '2.jpg,a/b,"CC BY 4.0"')
    assert labels.read(folder(tmp_path, free)).learned == 2
    assert labels.read(folder(tmp_path, EVALUATION_SET.replace(",x,", ",MIT,"))).learned == 0  # no training pool


def test_an_invented_use_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        UsageError, match="line 2: use must be one of in_hand, at_ear, closeup, on_desk, none, not 'held'"
    ):
        labels.read(folder(tmp_path, TRAINING_POOL.replace("at_ear", "held")))


def test_a_folder_without_labels(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"has no labels\.csv that can be read"):
        labels.read(tmp_path)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"format": 0}', '{"format": 1, "judge": {"phone": 1}}'])
def test_a_baseline_that_is_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "before.json").write_text(content)
    with pytest.raises(UsageError, match="is not a results file"):
        compare.load(tmp_path / "before.json")


def test_the_sheet_of_people_goes_neither_into_the_repository_nor_among_the_pictures(tmp_path: Path) -> None:
    labelled, elsewhere = tmp_path / "labelled", tmp_path / "elsewhere"
    for place in (labelled, elsewhere):
        place.mkdir()
    (tmp_path / "link").symlink_to(labelled)
    other = tmp_path / "another set"
    other.mkdir()
    (other / "labels.csv").touch()
    sheet.refuse_inside(elsewhere, labelled)
    inside = (labelled, labelled / "x", tmp_path / "link" / "x", other, other / "images" / "x")
    for forbidden in (REPOSITORY, REPOSITORY / "models" / "new", *inside):
        with pytest.raises(UsageError, match="shows people"):
            sheet.refuse_inside(forbidden, labelled)


def test_only_the_published_set_changes_the_published_tables(tmp_path: Path) -> None:
    published, part = tmp_path / "eval", tmp_path / "part"
    published.mkdir()
    (tmp_path / "link").symlink_to(published)
    readme.refuse_other_than(published, tmp_path / "link")
    with pytest.raises(UsageError, match="publishes the figures of eval"):
        readme.refuse_other_than(published, part)


def test_where_results_go_is_checked_before_the_work(tmp_path: Path) -> None:
    places.check_file(None)
    places.check_file(Path("-"))
    places.check_file(tmp_path / "new.json")
    places.check_folder(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()
    (tmp_path / "file").touch()
    for file in (tmp_path / "nowhere" / "x.json", tmp_path):
        with pytest.raises(UsageError, match="cannot be written to"):
            places.check_file(file)
    with pytest.raises(UsageError, match="cannot be a folder for drawings"):
        places.check_folder(tmp_path / "file" / "x")


def test_drawings_of_people_do_not_pile_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    old, now = (tmp_path / f"{places.PREFIX}{name}" for name in ("old", "now"))
    for each in (old, now, tmp_path / "something else"):
        each.mkdir()
    (old / "worst_mistakes.png").touch()
    before = time.time() - 2 * places.STILL_DRAWN
    for each in (old, tmp_path / "something else"):
        os.utime(each, (before, before))
    fresh = places.fresh()
    assert {each.name for each in tmp_path.iterdir()} == {fresh.name, now.name, "something else"}
    assert fresh.stat().st_mode & 0o777 == 0o700


def test_the_figures_in_the_model_card_are_those_the_evaluation_prints() -> None:
    """Their form, not their values: those change with the models, and `make eval ARGS=--update-readme` renews them."""
    block = readme.block(readme.FILE.read_text())
    assert re.match(r"\d+ pictures of \d+ sources in `eval`\. Value \(95 % interval\)", block)
    rows = dict(re.findall(r"^\| ([^|]+?) +\| ([^|]+?) +\|", block, re.MULTILINE))
    wanted = ("faces found", "away, no phone: called looking_away", "screen, no phone: called anything else",
              "phone in hand: called on_phone", "average precision", "called on_phone: F1")  # fmt: skip
    for words in wanted:
        assert re.fullmatch(r"[01]\.\d\d( \([01]\.\d\d to [01]\.\d\d( [sn])?\))?", rows[words]), words
