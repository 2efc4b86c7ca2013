"""About: the policy and the agreement in plain words and who signed them, keys and their changes, the models, versions, the one destination, notice and licences."""

from __future__ import annotations

import platform
import sys
from importlib import metadata
from pathlib import Path

from agent.detect.assets import ModelError, models_fingerprint, models_folder, read_manifest
from agent.panel.page import Answer, Html, Visit
from agent.panel.pages.welcome import notice_of
from agent.panel.render import speech_of
from agent.panel.views.documents import (
    ModelLine,
    agreement_facts,
    coming_facts,
    key_lines,
    keyset_facts,
    model_lines,
    policy_facts,
    signers,
)
from agent.version import VERSION


def show(visit: Visit) -> Answer:
    """GET."""
    say, panel, now = speech_of(visit), visit.panel, visit.now
    documents = panel.documents()
    papers = documents.papers if documents is not None else None
    policy = papers.policy(now) if papers is not None else None
    coming = papers.coming_policy(now) if papers is not None else None
    keyset = papers.keyset if papers is not None else None
    agreement = papers.agreement(now) if papers is not None else None
    later = papers.coming_agreement(now) if papers is not None else None
    held = documents.document(policy) if documents is not None and policy is not None else None
    standing = documents.standing(now) if documents is not None else None
    models, fingerprint, trouble = _models(visit)
    return Html(
        "about.html",
        {
            **notice_of(visit),
            "policy": policy_facts(say, policy, now) if policy else (),
            "signed_by": signers(held) if held is not None else (),
            "coming": coming_facts(say, policy, coming, now) if policy and coming else (),
            "coming_from": say.moment(coming.begins, now) if coming else "",
            "agreement": agreement_facts(say, agreement, now) if agreement else (),
            "agreement_later": agreement_facts(say, later, now) if later else (),
            "council": keyset is not None and keyset.council is not None,
            "key_changes": key_lines(say, documents.key_changes(), now) if documents is not None else (),
            "reasons": [
                say.gettext(text)
                for text in (standing.reason if standing else "", documents.problem if documents else "")
                if text
            ],
            "keyset": keyset_facts(say, keyset, now, papers.roots) if papers and keyset else (),
            "models": models,
            "fingerprint": fingerprint,
            "models_trouble": trouble,
            "versions": (
                ("Framekeep", VERSION),
                ("Python", platform.python_version()),
                (say.gettext("Operating system"), f"{platform.system()} {platform.release()}"),
            ),
            "licences": _licences(),
        },
    )


def _models(visit: Visit) -> tuple[tuple[ModelLine, ...], str, str]:
    """The models, the name of the set, and one sentence if they cannot be read."""
    try:
        folder = models_folder()
        return model_lines(speech_of(visit), read_manifest(folder)), models_fingerprint(folder), ""
    except ModelError as error:
        return (), "", str(error)


def _licences() -> str:
    """The NOTICE file: beside the checkout, in a frozen app, or among an installed package's own files; "" if gone."""
    package = Path(__file__).resolve().parents[2]
    for folder in filter(None, (getattr(sys, "_MEIPASS", None), package.parent)):
        try:
            return (Path(folder) / "NOTICE").read_text(encoding="utf-8")
        except OSError:
            continue
    try:
        files = metadata.files("framekeep") or []
    except metadata.PackageNotFoundError:
        return ""
    return next((file.read_text(encoding="utf-8") for file in files if file.name == "NOTICE"), "")
