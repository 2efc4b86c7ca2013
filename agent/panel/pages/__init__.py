"""The panel's pages: one module each, `table.py` says at which address."""

from __future__ import annotations

from agent.panel.page import Site


def site() -> Site:
    """Everything there is to visit. Pages, templates and the language's tables are loaded here, not before."""
    from agent.panel.pages.table import PAGES, language_of
    from agent.panel.render import render

    return Site(PAGES, language_of, render)
