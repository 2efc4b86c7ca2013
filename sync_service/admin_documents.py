"""`framekeep-sync admin document`, and what of keys and policies goes by files: for roots that never touch the service."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any


def add_documents(thing: Callable[[str, str], Any], act: Callable[..., argparse.ArgumentParser]) -> None:
    """Add the acts; `thing` and `act` are those of `admin.add_admin`."""
    documents = thing("document", "signed documents, carried to where keys are kept and back")
    parser = act(documents, "export", "write the documents that hold into a folder, for framekeep-sync sign")
    parser.add_argument("folder", type=Path)
    parser = act(documents, "publish", "publish signed documents, several at once where they hold only together")
    parser.add_argument("file", type=Path, nargs="+")
    act(documents, "list", "list what is published")
    parser = act(documents, "new-seal-key", "make a seal key and write the draft of a keyset with it, to be signed")
    parser.add_argument("--out", type=Path, required=True, help="new file for the draft")
    parser.add_argument("--suite", type=int, choices=(1, 2), default=1, help="2: also against quantum computers")
    parser = act(
        documents, "found", "make an organisation whose root key is elsewhere: drafts to be signed there", org=False
    )
    parser.add_argument("name")
    parser.add_argument("--endpoint", required=True, help="address laptops send to, https://HOST[:PORT]")
    parser.add_argument("--root", type=Path, required=True, help="the root's public key (.pub of sign key)")
    parser.add_argument("--out", type=Path, required=True, help="folder for the draft keyset and the first policy")
    act(thing("agreement", "what managers may ever see"), "show", "show the agreement in force and the one to come")
