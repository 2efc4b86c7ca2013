"""The attention states in words: a name each, and what it means. The order is that of every list and bar."""

from __future__ import annotations

from agent.panel.language import N_

STATE_NAMES = {
    "at_screen": N_("At the screen"),
    "looking_away": N_("Looking away"),
    "on_phone": N_("Phone in use"),
    "absent": N_("Away from the laptop"),
    "unknown": N_("Could not tell"),
    "not_observed": N_("Not observed"),
}

STATE_MEANINGS = {
    "at_screen": N_("A face is turned to the screen."),
    "looking_away": N_("A face is turned elsewhere for more than a moment, or somebody is there and no face in view."),
    "on_phone": N_("Somebody at the laptop holds a mobile phone. One that lies on the desk does not count."),
    "absent": N_("Nobody is at the laptop. Who passes in the background does not count."),
    "unknown": N_("The picture was dark, covered or blurred, or the camera was lost. Never counted as away."),
    "not_observed": N_(
        "Nobody looked: paused, outside the hours, screen locked, in a call, asleep. Nobody else learns which."
    ),
}

SEEN = {
    "at_screen": N_("a face turned to the screen"),
    "looking_away": N_("a head turned or bowed away from the screen"),
    "on_phone": N_("a mobile phone in somebody's hand"),
    "absent": N_("nobody near the laptop"),
    "unknown": N_("a picture that cannot be judged: dark, covered, blurred, or a face without a clear direction"),
    "not_observed": N_("nothing"),
}
"""What a look saw, to follow "The last look saw"."""
