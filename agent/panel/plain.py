"""The pages that stand outside the panel: the way in, a link that opens nothing any more, a refusal. No script,
nothing measured, and nothing of the panel's own.
"""

from __future__ import annotations

import html

from agent.panel.language import N_, catalogue, choose_language

CLOSED = N_(
    "This page is closed. A link opens it once, and within a minute. The icon's menu opens it anew, and so does the"
    " command framekeep panel."
)
STALE = N_("This form is out of date. Go back, load the page again and repeat what you did.")
TOO_LARGE = N_("What was sent is too large. Go back, shorten it and send it again.")
NOT_A_FORM = N_("What was sent is not a form of this page. Nothing was done.")
NO_PAGE = N_("There is no such page. Go back, or begin at the first page.")
NO_ACTION = N_("Nothing can be sent to this page. Nothing was done.")
WRONG = N_("This page could not be made. That is our fault: try again, and framekeep doctor checks this machine.")
_HEAD = '<!doctype html><html lang="{}"><meta charset="utf-8"><meta name="color-scheme" content="light dark">'
_HEAD += '<meta name="viewport" content="width=device-width"><link rel="stylesheet" href="{}">'

STYLE = "plain.css"
"""The address of these pages' stylesheet, below the panel's base; the panel's own is behind the cookie."""
STYLESHEET = b"""body { margin: 0; font: 1.0625rem/1.55 system-ui, sans-serif; }
main { max-width: 34rem; margin: 18vh auto 0; padding: 0 1.25rem; }
h1 { font-size: 1.375rem; line-height: 1.3; font-weight: 600; margin: 0 0 0.5rem; }
p { margin: 0; }
"""


def plain_page(sentences: str, accepted: str, base: str) -> bytes:
    """The first sentence as a heading, in the best language of an Accept-Language header."""
    language = choose_language("", accepted).partition("-")[0]
    said = html.escape(catalogue(language).gettext(sentences))
    title, _, rest = said.removesuffix(".").partition(". ")
    text = f"<p>{rest}.</p>" if rest else ""
    head = _HEAD.format(language, base + STYLE)
    return f"{head}<title>{title}</title><main><h1>{title}.</h1>{text}</main></html>".encode()


def onward_page(base: str, page: str = "") -> bytes:
    """On to a page of the panel (its slug). A navigation that begins here carries a Strict cookie; one that began at the file
    the link was in, or in another program, does not, not even after a redirect.
    """
    to = f"./{page}"
    onward = (
        f'<meta http-equiv="refresh" content="0;url={to}"><title>./</title><main><a href="{to}">{to}</a></main></html>'
    )
    return (_HEAD.format("en", base + STYLE) + onward).encode()
