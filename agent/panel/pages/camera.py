"""Camera check: what the camera sees and what is read from it, only while the page is open; neutral pose, sensitivity."""

from __future__ import annotations

from agent.attention.calibration import SENTENCES as OBSTACLES
from agent.attention.calibration import NotNeutral
from agent.check import LATE, SENTENCES, CheckPicture, NoPicture
from agent.errors import UsageError
from agent.panel.language import N_
from agent.panel.page import Answer, Html, Json, Picture, Redirect, Visit
from agent.panel.render import speech_of
from agent.panel.views.check import neutral_words, no_picture, reading_json
from agent.panel.views.settings import settings_view


def show(visit: Visit) -> Answer:
    """GET. `said` carries what became of a calibration."""
    say, panel = speech_of(visit), visit.panel
    return Html(
        "camera.html",
        {
            "check": panel.check is not None,
            "neutral": neutral_words(say, panel.check.neutral) if panel.check is not None else "",
            "view": settings_view(say, panel.config(), None, {}),
            "obstacle": _obstacle(visit),
        },
    )


def act(visit: Visit) -> Answer:
    """POST: "calibrate" (takes some seconds) or "forget" (the chosen pose)."""
    check = visit.panel.check
    if check is None:
        raise UsageError(N_("No agent measures just now, so there is no camera to check: start Framekeep."))
    match visit.form.get("action", ""):
        case "calibrate":
            answer = check.calibrate()
        case "forget":
            answer = check.reset_neutral()
        case _:
            raise UsageError(N_("This page cannot do that: go back and choose one of its buttons."))
    match answer:
        case NotNeutral(obstacle):
            return Redirect(f"camera?obstacle={obstacle.value}#neutral")
        case NoPicture():
            return Html("error.html", {"sentence": no_picture(speech_of(visit), answer), "status": 409}, 409)
        case _:
            return Redirect("camera?done=neutral#neutral")


def picture(visit: Visit) -> Answer:
    """GET camera/picture: the next picture as JPEG, or why there is none. It is kept nowhere."""
    check = visit.panel.check
    answer = check.picture() if check is not None else None
    if isinstance(answer, CheckPicture):
        return Picture("image/jpeg", answer.jpeg)
    return Json({"sentence": _why_none(visit, answer)})


def state(visit: Visit) -> Answer:
    """GET camera/state: what was read from the newest look, without its picture."""
    check = visit.panel.check
    reading = check.latest if check is not None else None
    if reading is None:
        # Only asked why, for a picture would be looked for. Where nothing stands in the way, it has just begun to look.
        refused = (check.refused or NoPicture(LATE, SENTENCES[LATE])) if check is not None else None
        return Json({"sentence": _why_none(visit, refused)})
    return Json(reading_json(speech_of(visit), reading))


def _why_none(visit: Visit, answer: NoPicture | None) -> str:
    say = speech_of(visit)
    if answer is None:
        return say.gettext("There is no camera to check: no agent measures just now.")
    return no_picture(say, answer)


def _obstacle(visit: Visit) -> str:
    """The sentence for what stood in a calibration's way."""
    named = visit.query.get("obstacle", "")
    found = next((one for one in OBSTACLES if one.value == named), None)
    if found is None:
        return ""
    values = {name: str(value) for name, value in NotNeutral(found).values.items()}
    return speech_of(visit).gettext(OBSTACLES[found]).format(**values)
