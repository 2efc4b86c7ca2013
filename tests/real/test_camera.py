"""Holds the promise that a source is read in time or named in one clear line: hung, absent and stopping cameras;
cut-off, empty, tiny, huge and junk files. Real files through real OpenCV; only the hung driver is played.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from agent.camera.opencv import OpenCVCamera
from agent.camera.replay import Replay
from agent.camera.still import LARGE, read_still, stored_size
from agent.errors import CameraError, CameraLost, UnreadableSource
from agent.sources import expand
from tests.real.pictures import noise, write_video

pytestmark = pytest.mark.timeout(60)


def indices(replay: Replay) -> list[tuple[int, float] | str]:
    """(index, time) of every frame, or the message of what went wrong instead."""
    out: list[tuple[int, float] | str] = []
    for _ in range(1000):
        try:
            frame = replay.read(1.0)
        except CameraError as error:
            out.append(str(error))
            continue
        if frame is None:
            return out
        out.append((frame.index, round(frame.at, 3)))
    raise AssertionError("the replay does not end")


def test_one_frame_a_second_on_the_clip_s_own_clock(tmp_path: Path) -> None:
    clip = write_video(tmp_path / "clip.avi", frames=35, fps=10)
    assert indices(Replay([clip])) == [(0, 0.0), (10, 1.0), (20, 2.0), (30, 3.0)]
    assert indices(Replay([clip], every=0.5))[:3] == [(0, 0.0), (5, 0.5), (10, 1.0)]
    dense = Replay([clip], every=0.001)
    assert len(indices(dense)) == 35


def test_files_follow_each_other_on_one_clock(tmp_path: Path) -> None:
    clip = write_video(tmp_path / "clip.avi", frames=20, fps=10)
    picture = noise(tmp_path / "a.png", 64, 48)
    replay = Replay([clip, picture, picture, clip])
    assert [at for _, at in indices(replay)] == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]
    assert replay.ended_at == pytest.approx(6.0)


def test_real_time_shows_what_is_due_and_then_nothing(tmp_path: Path) -> None:
    clip = write_video(tmp_path / "clip.avi", frames=20, fps=10)
    picture = noise(tmp_path / "a.png", 64, 48)
    now = [100.0]
    replay = Replay([clip, picture], every=1.0, realtime=True, clock=lambda: now[0])
    seen = []
    for moment in (0.0, 0.78, 0.78, 1.9, 2.5, 2.9, 3.5, 9.0):
        now[0] = 100.0 + moment
        frame = replay.read(1.0)
        seen.append(frame and round(frame.at, 1))
    assert seen == [0.0, 0.8, 0.8, 1.9, 2.0, 2.0, None, None]


@pytest.mark.parametrize("name", ["cut.avi", "cut.mkv"])
def test_a_cut_off_video_gives_what_is_readable_and_says_so(tmp_path: Path, name: str) -> None:
    whole = Path(write_video(tmp_path / f"whole{Path(name).suffix}", frames=100, fps=10))
    cut = tmp_path / name
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    *frames, message = indices(Replay([str(cut)]))
    assert [index for index, _ in frames] == [0, 10, 20, 30, 40, 50][: len(frames)] and len(frames) >= 4
    assert isinstance(message, str) and message.startswith(f"{cut} breaks off after ") and message.count(".") == 2


def test_unreadable_files_are_named_and_the_rest_goes_on(tmp_path: Path) -> None:
    empty, junk, cut = tmp_path / "empty.png", tmp_path / "junk.jpg", tmp_path / "cut.mp4"
    empty.touch()
    junk.write_bytes(b"this is not a picture" * 100)
    whole = write_video(tmp_path / "whole.mp4", frames=30, fps=10)
    cut.write_bytes(Path(whole).read_bytes()[:5000])
    good = noise(tmp_path / "good.png", 64, 48)
    out = indices(Replay([str(empty), str(junk), str(cut), str(tmp_path / "gone.mp4"), good]))
    assert out[0] == f"{empty} is empty (zero bytes), so there is no picture in it."
    assert out[1] == f"{junk} is damaged or not a picture."
    assert out[2] == f"{cut} is damaged, cut off, or not a video or picture."
    assert out[3] == f"{tmp_path / 'gone.mp4'} cannot be read (No such file or directory)."
    assert out[4:] == [(0, 4.0 - 2.0)]  # two pictures' time passed, two videos had none


def test_a_picture_without_a_suffix_is_recognised_by_its_content(tmp_path: Path) -> None:
    picture = Path(noise(tmp_path / "a.png", 64, 48)).rename(tmp_path / "picture")
    assert indices(Replay([str(picture)])) == [(0, 0.0)]


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".bmp"])
def test_one_pixel(tmp_path: Path, suffix: str) -> None:
    pixels, size = read_still(noise(tmp_path / f"one{suffix}", 1, 1))
    assert pixels.shape == (1, 1, 3) and size == (1, 1)


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_an_8k_picture_is_decoded_small_and_knows_its_size(tmp_path: Path, suffix: str) -> None:
    pixels, size = read_still(noise(tmp_path / f"huge{suffix}", 7680, 4320))
    assert size == (7680, 4320)
    assert max(pixels.shape) <= LARGE


def test_a_picture_stored_lying_has_the_size_of_the_upright_one(tmp_path: Path) -> None:
    path = Path(noise(tmp_path / "a.jpg", 4000, 3000))
    data = path.read_bytes()
    exif = (
        b"Exif\x00\x00II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x03\x00\x01\x00\x00\x00\x06\x00\x00\x00\x00\x00\x00\x00"
    )
    path.write_bytes(data[:2] + b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif + data[2:])
    pixels, size = read_still(str(path))
    assert size == (3000, 4000)
    assert pixels.shape[0] > pixels.shape[1]


def test_headers_that_lie_or_break_off() -> None:
    assert stored_size(b"\xff\xd8\xff\xe0\x00") is None
    assert stored_size(b"\xff\xd8" + b"\xff\xe0\x00\x00" * 10) is None
    assert stored_size(b"") is None


def test_a_bomb_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    path = Path(noise(tmp_path / "bomb.png", 8, 8))
    data = bytearray(path.read_bytes())
    data[16:24] = (60_000).to_bytes(4, "big") * 2
    path.write_bytes(data)
    with pytest.raises(UnreadableSource, match="60000 x 60000 pixels"):
        read_still(str(path))


def test_what_cannot_be_decoded_small_is_bounded_by_what_it_takes_whole(tmp_path: Path) -> None:
    """A PNG of 20000 x 20000 takes over a gigabyte; a JPEG of that size is read at an eighth of it."""
    png, jpeg = tmp_path / "large.png", tmp_path / "large.jpg"
    data = bytearray(Path(noise(tmp_path / "small.png", 8, 8)).read_bytes())
    data[16:24] = (9_000).to_bytes(4, "big") * 2
    png.write_bytes(data)
    with pytest.raises(UnreadableSource, match="9000 x 9000 pixels, too many"):
        read_still(str(png))
    grey = np.full((9_000, 9_000), 128, np.uint8)
    assert cv2.imwrite(str(jpeg), grey)
    assert read_still(str(jpeg))[1] == (9_000, 9_000)
    assert cv2.imwrite(str(jpeg), grey, [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])
    with pytest.raises(UnreadableSource, match="9000 x 9000 pixels, too many"):
        read_still(str(jpeg))


def test_a_folder_gives_its_pictures_and_videos_in_natural_order(tmp_path: Path) -> None:
    for name in ("10.jpg", "9.jpg", "labels.csv", ".hidden.jpg", "below/2.png", "clip.mp4", "notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert [str(p.relative_to(tmp_path)) for p in expand(str(tmp_path))] == [
        "9.jpg",
        "10.jpg",
        "below/2.png",
        "clip.mp4",
    ]
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(UnreadableSource, match="holds no picture or video"):
        expand(str(empty))


def test_a_camera_that_does_not_exist_is_one_sentence_at_once() -> None:
    began = time.monotonic()
    with pytest.raises(CameraError, match=r"^(This computer has no camera 97|Camera 97 cannot be opened).*\.$"):
        OpenCVCamera("97").read(5.0)
    assert time.monotonic() - began < 5


class Driver:
    """A capture device whose driver can be told to hang or to stop."""

    def __init__(self, hang: threading.Event, opens: bool = True) -> None:
        self.opens, self.released, self.left = opens, False, 10_000
        self._hang = hang

    def isOpened(self) -> bool:
        return self.opens

    def grab(self) -> bool:
        self._hang.wait()
        self.left -= 1
        return self.left > 0

    def read(self) -> tuple[bool, np.ndarray | None]:
        ok = self.grab()
        return ok, np.full((4, 6, 3), 7, np.uint8) if ok else None

    def release(self) -> None:
        self.released = True


@pytest.fixture
def works() -> Iterator[threading.Event]:
    """Set: the driver answers. Cleared: it hangs, until the end of the test."""
    event = threading.Event()
    event.set()
    yield event
    event.set()


def camera(driver: Driver, **settings: float) -> OpenCVCamera:
    # /dev/null exists on every Linux machine, which is all that is checked before the driver is asked.
    return OpenCVCamera("/dev/null", opener=lambda _: driver, **settings)  # type: ignore[arg-type]  # floats only


def test_a_camera_gives_frames_and_is_released(works: threading.Event) -> None:
    driver = Driver(works)
    eyes = camera(driver)
    first, second = eyes.read(1.0), eyes.read(1.0)
    assert first is not None and second is not None
    assert (first.index, second.index) == (0, 1) and second.at > first.at
    eyes.close()
    eyes.close()
    assert driver.released
    with pytest.raises(CameraLost, match="closed"):
        eyes.read(1.0)


def test_a_driver_that_hangs_in_a_read_is_given_up_in_time(works: threading.Event) -> None:
    eyes = camera(Driver(works))
    eyes.read(1.0)
    works.clear()
    began = time.monotonic()
    with pytest.raises(CameraLost, match="did not answer within"):
        eyes.read(0.3)
    with pytest.raises(CameraLost):  # and it stays lost, without waiting again
        eyes.read(5.0)
    eyes.close()
    assert time.monotonic() - began < 1.5


def test_a_driver_that_hangs_in_opening_is_given_up_in_time(works: threading.Event) -> None:
    works.clear()
    with pytest.raises(CameraLost, match="did not open within"):
        camera(Driver(works), open_seconds=0.3).read(5.0)


def test_a_camera_that_stops_is_lost(works: threading.Event) -> None:
    driver = Driver(works)
    eyes = camera(driver)
    eyes.read(1.0)
    driver.left = 0
    with pytest.raises(CameraLost, match="stopped"):
        eyes.read(1.0)


def test_a_device_that_refuses_to_open(works: threading.Event) -> None:
    driver = Driver(works, opens=False)
    with pytest.raises(CameraLost, match="cannot be opened"):
        camera(driver).read(1.0)
    assert driver.released


def test_opencv_is_where_frames_come_from(tmp_path: Path) -> None:
    replay = Replay([noise(tmp_path / "a.png", 64, 48)])
    frame = replay.read(1.0)
    assert frame is not None and frame.pixels.shape == (48, 64, 3) and frame.pixels.dtype == np.uint8
    assert cv2.mean(frame.pixels)[0] > 0
