"""`framekeep-sync sign`: everything the organisation's root and its works council sign, on machines of their own.

Works on files alone: no data folder, no database, no network. The service gives out its documents (`admin document
export`) and is given signed ones back (`admin document publish`); a private key never goes there.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.wire.agreement import Agreement
from agent.wire.documents import Policy
from agent.wire.errors import WireError
from agent.wire.signing import add_signatures, claimed, unsigned
from agent.wire.strict import MAX_INTEGER
from agent.wire.versions import at_its_begin
from sync_service import drafting
from sync_service.document_words import SIGNERS, in_words
from sync_service.errors import ServiceError
from sync_service.key_files import read_key, write_key
from sync_service.paper_files import (
    fingerprint,
    read_document,
    read_papers,
    read_public,
    write_document,
    write_public,
)
from sync_service.papers import ORDER, Papers, check_together, join
from sync_service.people import RequestError
from sync_service.policy_text import changes, parse_hours
from sync_service.ports import SignedDocument

Say = Callable[[str], object]


def add_sign(verbs: Any) -> None:
    """Add the verb `sign` to the command's parser."""
    sign = verbs.add_parser("sign", help="make keys, draft, read, sign and verify documents, away from the service")
    acts = sign.add_subparsers(dest="act", required=True, metavar="ACT")

    parser = acts.add_parser("key", help="make a key: a root's, a works council's, a policy signer's")
    parser.add_argument("file", type=Path, help="new file for the private key; FILE.pub gets the public one")
    parser.set_defaults(run=lambda options: make_key(options.file, _say))

    draft = acts.add_parser("draft", help="write down what is to be signed").add_subparsers(
        dest="kind", required=True, metavar="TYPE"
    )
    for kind, text in (
        ("keyset", "the next keyset; with --council the works council's key, which makes an agreement obligatory"),
        ("agreement", "what managers may ever see"),
        ("policy", "what is measured and when, within the agreement"),
        ("root", "a new root key in the place of the present one"),
    ):
        parser = draft.add_parser(kind, help=text, description=text)
        parser.add_argument("--papers", type=Path, required=True, help="folder of admin document export")
        parser.add_argument("--out", type=Path, required=True, help="new file for the draft")
        parser.set_defaults(run=lambda options: _draft(options))
        if kind in ("agreement", "policy"):
            parser.add_argument(
                "--hours", action="append", help="such as 'mon-fri 09:00-17:30'; again for further ones"
            )
            parser.add_argument("--interval", type=int, help="seconds between two looks")
            parser.add_argument("--k", type=int, help="fewest people a team number stands on")
            parser.add_argument("--individual-reports", choices=("on", "off"), help="summaries of one person")
            parser.add_argument("--effective", type=instant, help="YYYY-MM-DD (00:00 UTC): applies from then on")
        if kind == "agreement":
            parser.add_argument("--years", type=int, default=5, help="how long it holds (default: %(default)s)")
        if kind == "policy":
            parser.add_argument("--quit", choices=("on", "off"), help="whether employees may end the program")
            parser.add_argument("--agreement", type=Path, help="the agreement it rests on, where that is a draft still")
        if kind == "keyset":
            council = parser.add_mutually_exclusive_group()
            council.add_argument("--council", type=Path, help="the works council's public key (.pub)")
            council.add_argument("--no-council", action="store_true", help="drop it; the council has to sign that")
            parser.add_argument("--endpoint", help="where laptops send from now on")
        if kind == "root":
            parser.add_argument("--new", type=Path, required=True, help="the new root's public key (.pub)")

    parser = acts.add_parser("show", help="say in plain words what a draft or document says")
    parser.add_argument("file", type=Path, nargs="+")
    parser.set_defaults(run=lambda options: show(options.file, _say))

    parser = acts.add_parser("add", help="show a draft or document, and sign it")
    parser.add_argument("file", type=Path)
    parser.add_argument("--key", type=Path, required=True, help="file of the private key")
    parser.add_argument("--yes", action="store_true", help="sign without asking")
    parser.set_defaults(run=lambda options: add(options.file, options.key, _say, ask=None if options.yes else input))

    parser = acts.add_parser("verify", help="whether the service and every laptop would take these documents")
    parser.add_argument("file", type=Path, nargs="+", help="those that are published together")
    parser.add_argument("--papers", type=Path, required=True, help="folder of admin document export")
    parser.set_defaults(run=lambda options: verify(options.file, options.papers, _say, now=int(time.time())))


def make_key(file: Path, say: Say) -> int:
    """Make a key in `file` and its public half in `file`.pub."""
    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes_raw()
    try:
        write_key(file, key)
    except FileExistsError:
        raise RequestError(f"{file} exists already; name a new file for the key") from None
    write_public(file.with_name(f"{file.name}.pub"), public)
    say(f"private key: {file} (keep it offline, with a copy elsewhere; nobody can replace it)")
    say(f"public key:  {file}.pub")
    say(f"fingerprint: {fingerprint(public)}")
    return 0


def draft(kind: str, papers: Papers, options: argparse.Namespace, *, now: int) -> bytes:
    """The draft asked for, behind what is published. Raises RequestError."""
    if papers.keyset is None:
        raise RequestError("there is no keyset among these documents; export them again")
    if kind == "keyset":
        council = read_public(options.council) if options.council else None
        keyset = drafting.next_keyset(
            papers.keyset, now=now, council=council, drop_council=options.no_council, endpoint=options.endpoint
        )
        return unsigned(keyset.to_payload())
    if kind == "root":
        link = drafting.next_root(
            papers.org, seq=len(papers.links) + 1, old=papers.roots[-1], new=read_public(options.new), now=now
        )
        return unsigned(link.to_payload())
    hours = tuple(_hours(text) for text in options.hours) if options.hours else None
    reports = None if options.individual_reports is None else options.individual_reports == "on"
    if kind == "agreement":
        old = max(papers.agreements, key=lambda one: one.seq, default=None)
        return unsigned(
            drafting.next_agreement(
                papers.org,
                old,
                now=now,
                work_hours=hours,
                k_at_least=options.k,
                individual_reports_allowed=reports,
                interval_at_least=options.interval,
                effective=options.effective,
                days=365 * options.years,
            ).to_payload()
        )
    before = drafting.ground(papers.policies, now)
    if before is None:
        raise RequestError("there is no policy among these documents; export them again")
    present = before.present
    if options.agreement:
        digest = _digest(read_document(options.agreement))
    else:
        rests_on = at_its_begin(papers.agreements, options.effective or now) if papers.keyset.council else None
        digest = rests_on.digest if rests_on else present.agreement
    policy = drafting.next_policy(
        present,
        now=now,
        seq=before.seq + 1,
        agreement=digest,
        work_hours=hours,
        interval_seconds=options.interval,
        individual_reports=reports,
        k=options.k,
        may_quit=None if options.quit is None else options.quit == "on",
        effective=options.effective,
    )
    return unsigned(policy.to_payload())


def show(files: Sequence[Path], say: Say) -> int:
    """Say what each file says."""
    for file in files:
        say(f"{file}:")
        for line in _words(read_document(file), file):
            say(f"  {line}")
    return 0


def add(file: Path, key_file: Path, say: Say, *, ask: Callable[[str], str] | None) -> int:
    """Show the document, ask (unless `ask` is None), and put the key's signature behind those it has."""
    body, key = read_document(file), read_key(key_file)
    show([file], say)
    public = key.public_key().public_bytes_raw()
    say(f"you sign with {key_file}, fingerprint {fingerprint(public)}")
    if ask is not None and ask("Type yes to sign this: ").strip() != "yes":
        raise RequestError(f"nothing was signed; {file} is as it was")
    write_document(file, add_signatures(body, claimed(body)["type"], [key]), replace=True)
    say(f"signed; it needs {SIGNERS[claimed(body)['type']]}")
    return 0


def verify(files: Sequence[Path], folder: Path, say: Say, *, now: int) -> int:
    """Check documents against what is published, as the service will, in the order in which they depend on each other."""
    papers, asked = read_papers(folder), []
    for file in files:
        body = read_document(file)
        payload = claimed(body)
        if payload.get("org") != papers.org:
            raise RequestError(f"{file} is another organisation's")
        seq = payload.get("seq")
        if type(seq) is not int or not 1 <= seq <= MAX_INTEGER:
            raise RequestError(f"{file} has no number")
        asked.append(SignedDocument(papers.org, payload["type"], seq, body))
    for document in sorted(asked, key=lambda one: (ORDER.index(one.type), one.seq)):
        papers = join(papers, document)
    check_together(papers, now)
    say(f"good: the service and every laptop accept {'this' if len(asked) == 1 else 'these, published together'}")
    return 0


def instant(text: str) -> int:
    """Epoch seconds of a day at 00:00 UTC; argparse names this function when it refuses a value."""
    return int(datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).timestamp())


def _draft(options: argparse.Namespace) -> int:
    papers, now = read_papers(options.papers), int(time.time())
    body = draft(options.kind, papers, options, now=now)
    write_document(options.out, body)
    show([options.out], _say)
    before = drafting.ground(papers.policies, now) if options.kind == "policy" else None
    if before is not None:
        for line in changes(before.present, Policy.from_payload(claimed(body)), before.falls):
            _say(f"  changes {line}")
    return 0


def _digest(document: bytes) -> str:
    try:
        return Agreement.from_payload(claimed(document)).digest
    except WireError as error:
        raise RequestError(f"this is not an agreement: {error}") from None


def _words(body: bytes, file: Path) -> list[str]:
    try:
        return in_words(body)
    except WireError as error:
        raise ServiceError(f"{file} says nothing that may be signed: {error}") from None


def _hours(text: str) -> Any:
    try:
        return parse_hours(text)
    except ValueError:
        raise RequestError(f"{text!r} are no work hours; write them as 'mon-fri 09:00-17:30'") from None


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
