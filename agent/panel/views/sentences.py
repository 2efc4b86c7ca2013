"""Sentences other parts of the agent say that never vary, so that the panel can say them in every language.

They are written down there, in English, for the command line and the log too; a test holds that each one still is.
"""

from __future__ import annotations

from agent.panel.language import N_

SENTENCES = (
    N_("Nothing was measured or enrolled here yet."),
    N_("Framekeep was started meanwhile: close this page and open its panel, with framekeep panel."),
    N_("The last status cannot be read; the agent writes a new one when it runs."),
    N_("This laptop is not enrolled: nothing is sent."),
    N_("The recording is over."),
    N_(
        "Nothing on this desktop shows the Framekeep icon, so the camera stays off: add a system tray or status icons to"
        " your panel."
    ),
    N_(
        "Nothing was erased, because the empty store that takes the old one's place cannot be written: free some space on"
        " the disk, then erase again."
    ),
    N_("That failed through a fault in Framekeep: try it again, or in the privacy panel."),
    N_("Framekeep cannot tell what it is doing at the moment: open the privacy panel to see."),
    N_("The service revoked this device: nothing is measured. Ask your administrator for a new code."),
    N_("The organisation's keyset is missing: nothing is measured until it was fetched."),
    N_(
        "The organisation's keyset has expired: nothing is measured until a new one was fetched. If your clock is"
        " right, tell your administrator."
    ),
    N_("The keyset holds no key that may be sealed to today: nothing is measured until it does."),
    N_("The organisation's policy is missing: nothing is measured until it was fetched."),
    N_(
        "The organisation's policy has expired: nothing is measured until a new one was fetched. If your clock is"
        " right, tell your administrator."
    ),
    N_("The organisation's policy has yet to begin: nothing is measured until then."),
    N_("The agreement with the works council is missing: nothing is measured until it was fetched."),
    N_(
        "The agreement with the works council has expired: nothing is measured until a new one was fetched. If your"
        " clock is right, tell your administrator."
    ),
    N_(
        "The organisation's policy goes beyond the agreement with the works council: nothing is measured until it keeps"
        " within it. Tell your administrator."
    ),
    N_(
        "A policy was offered that goes beyond the agreement with the works council: it is refused, and the one before"
        " stays. Tell your administrator."
    ),
    N_(
        "The keyset takes the works council's key away without the council's own signature; it is refused. Tell your"
        " administrator and your works council."
    ),
    N_(
        "The organisation's keyset names a works council, but the service has no agreement with it. Tell your"
        " administrator."
    ),
    N_(
        "The service offers a root key that was replaced before; it is refused. Tell your administrator: an old copy may"
        " have been restored."
    ),
    N_(
        "The service offers another root key than the one that was seen before; the first stands. Tell your"
        " administrator."
    ),
    N_("The service names a root key that no signed change leads to; it is refused. Tell your administrator."),
    N_("The service did not say that it was counted: it is sent again."),
    N_("The service could not count it and keeps it for its administrators to look at."),
    N_("The service says that this envelope is malformed; please report it, it is kept here."),
    N_("The service says that this envelope is too large; please report it, it is kept here."),
    N_("The service does not know this version of envelopes: one of the two needs an update."),
    N_("The service cannot be reached: check the network and try again."),
    N_("Something else than the service answered: log in to the network first."),
    N_("The service's answer is not one this Framekeep understands: one of the two needs an update."),
    N_("The service does not recognise this laptop: check its clock, or enrol again."),
    N_("The service has revoked this laptop: ask your administrator for a new code."),
    N_("The service cannot answer just now, through no fault of yours: try again in a few minutes."),
    N_("Something is wrong in the service, through no fault of yours: tell your administrator."),
    N_("A correction is about whole quarter hours of one day: begin and end it at a quarter hour, before midnight."),
    N_("It is too long for the service: shorten the note."),
    N_("It is too long ago: measurements are kept for 35 days, and so corrected only that long."),
    N_("There are 100 corrections of that day already: more are not kept, so make one that covers more time."),
    N_("The first day comes after the last one: exchange them."),
    N_("That is too many days at once: ask for at most 35 days, as long as the service keeps them."),
    N_("The service does not understand this request: one of the two needs an update, ask your administrator."),
    N_("The service does not offer this: one of the two needs an update, ask your administrator."),
    N_(
        "The service refused this for a reason this Framekeep does not know: try again later, or ask your administrator."
    ),
    N_("There is no erasure to cancel."),
    N_("The erasure has begun already and cannot be cancelled any more."),
)
"""As they are said."""
