"""The pages that stand outside the panel: the way in, a link that opens nothing any more, a refusal. No style, no script,
and nothing that is not meant for whoever asked.
"""

from __future__ import annotations

import html

from agent.panel.language import N_, catalogue, choose_language

CLOSED = N_("This page is closed. A link opens it once, and within a minute; framekeep panel opens a new one.")
STALE = N_("This form is out of date. Go back, load the page again and repeat what you did.")
TOO_LARGE = N_("What was sent is too large. Go back, shorten it and send it again.")
NOT_A_FORM = N_("What was sent is not a form of this page. Nothing was done.")
NO_PAGE = N_("There is no such page. Go back, or begin at the first page.")
NO_ACTION = N_("Nothing can be sent to this page. Nothing was done.")
WRONG = N_("This page could not be made. That is our fault: try again, and framekeep doctor checks this machine.")
_HEAD = '<!doctype html><html lang="{}"><meta charset="utf-8"><meta name="color-scheme" content="light dark">'
_HEAD += '<meta name="viewport" content="width=device-width">'


def plain_page(sentence: str, accepted: str) -> bytes:
    """Sentences, in the best language of an Accept-Language header."""
    language = choose_language("", accepted).partition("-")[0]
    said = html.escape(catalogue(language).gettext(sentence))
    title, _, rest = said.partition(". ")
    return f"{_HEAD.format(language)}<title>{title}</title><main><h1>{title}.</h1><p>{rest}</p></main></html>".encode()


def onward_page() -> bytes:
    """On to the panel's first page. A navigation that begins here carries a Strict cookie; one that began at the file
    the link was in, or in another program, does not, not even after a redirect.
    """
    onward = '<meta http-equiv="refresh" content="0;url=./"><title>./</title><p><a href="./">./</a></p></html>'
    return (_HEAD.format("en") + onward).encode()
