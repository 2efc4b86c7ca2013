"""The camera check in words: the state, the reasons, the neutral pose. Pure."""

from __future__ import annotations

from agent.attention.baseline import Origin
from agent.attention.explain import Kind, Outline
from agent.check import SENTENCES, Neutral, NoPicture, Reading
from agent.panel.language import N_, Speech
from agent.panel.views.states import STATE_NAMES

KINDS = {Kind.FACE: N_("Face"), Kind.PERSON: N_("Body"), Kind.PHONE: N_("Phone")}


def reading_json(say: Speech, reading: Reading) -> dict[str, object]:
    """For the page's script: the state, the reasons, and what to draw over the picture."""
    return {
        "number": reading.number,
        "state": say.gettext(STATE_NAMES[reading.explanation.state.value]),
        "reasons": [fact.sentence(say.gettext, say.decimals) for fact in reading.explanation.facts],
        "outlines": [_outline(say, outline) for outline in reading.outlines],
    }


def no_picture(say: Speech, answer: NoPicture) -> str:
    """Why there is none. The agent's own sentence where it says more than the common one."""
    return say.gettext(answer.sentence if answer.sentence not in SENTENCES.values() else SENTENCES[answer.why])


def neutral_words(say: Speech, neutral: Neutral) -> str:
    """The neutral pose in force."""
    turned, bowed = round(abs(neutral.yaw)), say.number(round(abs(neutral.pitch)))
    match neutral.origin:
        case Origin.DEFAULT:
            return say.gettext("Straight ahead: too little was learned yet.")
        case Origin.LEARNED:
            return say.ngettext(
                "Learned while you worked: %(num)s degree to the side, %(bowed)s up or down.",
                "Learned while you worked: %(num)s degrees to the side, %(bowed)s up or down.",
                turned,
                bowed=bowed,
            )
        case Origin.CHOSEN:
            return say.ngettext(
                "Chosen by you: %(num)s degree to the side, %(bowed)s up or down.",
                "Chosen by you: %(num)s degrees to the side, %(bowed)s up or down.",
                turned,
                bowed=bowed,
            )


def _outline(say: Speech, outline: Outline) -> dict[str, object]:
    return {
        "kind": outline.kind.value,
        "label": f"{say.gettext(KINDS[outline.kind])} {say.percent(outline.score)}",
        "box": [round(side, 4) for side in (outline.left, outline.top, outline.width, outline.height)],
        "counts": outline.counts,
    }
