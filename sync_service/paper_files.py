"""The organisation's documents as files, to be carried to where keys are kept and back.

FOLDER/organisation.json   the organisation's id and first root key: what everything else is checked from
FOLDER/TYPE-SEQ.json       one document each
"""

from __future__ import annotations

from pathlib import Path

from agent.wire.errors import WireError
from agent.wire.ids import check_ed25519_public, organisation_id, signer_id
from agent.wire.signing import MAX_DOCUMENT, claimed
from agent.wire.strict import canonical, from_b64, strict_json, to_b64
from sync_service.errors import SettingsError
from sync_service.papers import Papers, read
from sync_service.ports import SignedDocument

_ABOUT = "organisation.json"


def write_papers(folder: Path, papers: Papers) -> list[Path]:
    """Write what matters of the published documents into a folder; answers the files."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        about = folder / _ABOUT
        about.write_bytes(canonical({"org": papers.org, "first_root": to_b64(papers.first_root)}))
        files = [about]
        for (kind, seq), body in papers.documents.items():
            files.append(folder / f"{kind}-{seq}.json")
            files[-1].write_bytes(body)
    except OSError as error:
        raise SettingsError(f"the folder {folder} cannot be written ({error.strerror}); choose another") from None
    return files


def read_papers(folder: Path) -> Papers:
    """The documents of a folder, every signature checked from the first root down. Raises SettingsError, NotAcceptable."""
    try:
        about = strict_json((folder / _ABOUT).read_bytes(), MAX_DOCUMENT)
        org, root = str(about["org"]), from_b64(about["first_root"], "first_root", 32)
        if organisation_id(root) != org:
            raise SettingsError(f"{folder / _ABOUT} names a root key that is not the organisation's")
        found = [_document(path) for path in sorted(folder.glob("*-*.json"))]
    except OSError as error:
        raise SettingsError(
            f"{folder} does not hold an organisation's documents ({error.strerror}); make it with framekeep-sync admin"
            " document export"
        ) from None
    except (WireError, KeyError, TypeError):
        raise SettingsError(f"{folder / _ABOUT} cannot be read; export the documents again") from None
    return read(org, root, found)


def read_document(path: Path) -> bytes:
    """A draft or document in a file. Raises SettingsError."""
    try:
        body = path.read_bytes()
        claimed(body)
    except OSError as error:
        raise SettingsError(f"{path} cannot be read ({error.strerror})") from None
    except WireError as error:
        raise SettingsError(f"{path} is not a document or draft ({error})") from None
    return body


def write_document(path: Path, body: bytes, *, replace: bool = False) -> None:
    """Write a draft or document into a file, a new one unless it may be replaced. Raises SettingsError."""
    try:
        with path.open("wb" if replace else "xb") as file:
            file.write(body)
    except FileExistsError:
        raise SettingsError(f"{path} exists already; name a new file") from None
    except OSError as error:
        raise SettingsError(f"{path} cannot be written ({error.strerror}); choose another place") from None


def write_public(path: Path, public: bytes) -> None:
    """Write a public key beside its private one, for others to be given. Raises SettingsError."""
    write_document(path, f"{to_b64(public)}\n".encode())


def read_public(path: Path) -> bytes:
    """A public key from a file, 32 raw bytes. Raises SettingsError."""
    try:
        return check_ed25519_public(from_b64(path.read_text(encoding="ascii").strip(), "the public key", 32))
    except OSError as error:
        raise SettingsError(f"{path} cannot be read ({error.strerror})") from None
    except (WireError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} does not hold a public key ({error}); use the .pub file of sign key") from None


def fingerprint(public: bytes) -> str:
    """How people compare a key over the telephone: its signer id in groups of four."""
    name = signer_id(public)
    return " ".join(name[start : start + 4] for start in range(0, len(name), 4))


def _document(path: Path) -> SignedDocument:
    body = read_document(path)
    payload = claimed(body)
    return SignedDocument(str(payload.get("org")), payload["type"], int(payload["seq"]), body)
