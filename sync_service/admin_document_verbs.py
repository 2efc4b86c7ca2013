"""The acts of `framekeep-sync admin document` and `agreement`."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from typing import Any

from agent.wire.signing import claimed
from agent.wire.versions import coming, in_force
from sync_service import founding, issuing
from sync_service.document_words import day, in_words
from sync_service.paper_files import fingerprint, read_document, read_public, write_document, write_papers
from sync_service.policies import current_papers
from sync_service.policy_text import agreement_terms
from sync_service.provision import Office, RequestError, the_organisation

Told = Mapping[str, Any]


def _export(office: Office, options: argparse.Namespace, _: int) -> Told:
    papers = current_papers(office.database, the_organisation(office, options.org))
    files = write_papers(options.folder, papers)
    return {
        "files": [{"file": str(path)} for path in files],
        "root": fingerprint(papers.roots[-1]),
        "_": "Carry the folder to where the keys are, and use framekeep-sync sign there with --papers FOLDER.",
    }


def _publish(office: Office, options: argparse.Namespace, now: int) -> Told:
    bodies = [read_document(path) for path in options.file]
    org = the_organisation(office, options.org)
    if any(claimed(body).get("org") != org for body in bodies):
        raise RequestError("one of these is another organisation's; publish each organisation's own")
    published = office.documents.publish_all(bodies, now=now)
    lines = [line for document in published for line in in_words(document.body)]
    return {
        "published": [{"type": document.type, "number": document.seq} for document in published],
        "words": [{"what was published": line} for line in lines],
        **({} if published else {"_": "All of this was published before; nothing changes."}),
    }


def _list(office: Office, options: argparse.Namespace, _: int) -> Told:
    return {
        "documents": office.database.run(
            """select d.type, d.seq as number, to_char(d.published_at, 'YYYY-MM-DD') as published, m.name as by
               from document d left join manager m on m.id = d.published_by
               where d.org = :org order by d.type, d.seq""",
            org=the_organisation(office, options.org),
        )
    }


def _new_seal_key(office: Office, options: argparse.Namespace, now: int) -> Told:
    key, draft = issuing.draft_rotation(office, the_organisation(office, options.org), now=now, suite=options.suite)
    write_document(options.out, draft)
    return {
        "seal_key": key,
        "draft": str(options.out),
        "_": "Have the root's keeper sign the draft (framekeep-sync sign add), then publish it; until then nothing is"
        " sealed to the key.",
    }


def _found(office: Office, options: argparse.Namespace, now: int) -> Told:
    root = read_public(options.root)
    made = founding.found(office, options.name, options.endpoint, root, now=now)
    files = [options.out / "keyset-1.json", options.out / "policy-1.json"]
    options.out.mkdir(parents=True, exist_ok=True)
    for file, body in zip(files, (made.keyset, made.policy), strict=True):
        write_document(file, body)
    return {
        "organisation": made.org,
        "root": fingerprint(root),
        "keyset_draft": str(files[0]),
        "policy": str(files[1]),
        "_": "Have the root's keeper sign the keyset (framekeep-sync sign add), then publish both together.",
    }


def _agreement_show(office: Office, options: argparse.Namespace, now: int) -> Told:
    papers = current_papers(office.database, the_organisation(office, options.org))
    council = papers.keyset.council if papers.keyset is not None else None
    if council is None:
        return {"agreement": "none", "_": "The keyset names no works council: nothing limits the policies."}
    told: dict[str, Any] = {"works_council": fingerprint(council)}
    for name, found in (("in_force", in_force(papers.agreements, now)), ("coming", coming(papers.agreements, now))):
        if found is not None:
            terms = {**agreement_terms(found), "from": day(found.begins), "until": day(found.not_after)}
            told[name] = [{"agreement": found.id, "term": term, "value": value} for term, value in terms.items()]
    return told


DOCUMENT_VERBS: Mapping[tuple[str, str], Callable[[Office, argparse.Namespace, int], Told]] = {
    ("document", "export"): _export,
    ("document", "publish"): _publish,
    ("document", "list"): _list,
    ("document", "new-seal-key"): _new_seal_key,
    ("document", "found"): _found,
    ("agreement", "show"): _agreement_show,
}
"""(thing, act) -> what does it, as in `admin_verbs.VERBS`."""
