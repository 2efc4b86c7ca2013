"""Ed25519 private keys as files on one machine: the organisation's root key, its policy signer, the token issuer.

PEM (PKCS#8), readable by their owner only. The root key is better kept offline: everything but new keysets works
without it.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from sync_service.errors import SettingsError

ISSUER = "token-issuer"


class KeyFiles:
    """The keys below `folder`, made on first use where that is safe."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def root_path(self, org: str) -> Path:
        """Where the root key of an organisation is, unless it was put elsewhere."""
        return self._folder / f"{org}.root.pem"

    def policy_path(self, org: str) -> Path:
        """Where the key that signs an organisation's policies is."""
        return self._folder / f"{org}.policy.pem"

    def issuer(self) -> Ed25519PrivateKey:
        """The key that signs manager tokens, made when first asked for; two programs at once get the same one."""
        path = self._folder / f"{ISSUER}.pem"
        if not path.is_file():
            try:
                write_key(path, Ed25519PrivateKey.generate())
            except FileExistsError:
                return read_key(path)
        return read_key(path)


def write_key(path: Path, key: Ed25519PrivateKey) -> None:
    """Write a key durably into a new file that only its owner can read. Never replaces a file (FileExistsError)."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        draft.unlink(missing_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
                file.flush()
                os.fsync(file.fileno())
            os.link(draft, path)
        finally:
            draft.unlink(missing_ok=True)
        sync_folder(path.parent)
    except FileExistsError:
        raise
    except OSError as error:
        raise SettingsError(f"the key file {path} cannot be written ({error.strerror}); choose another place") from None


def read_key(path: Path) -> Ed25519PrivateKey:
    """The key in a file. Raises SettingsError when it is missing, open to others, or not such a key."""
    try:
        mode = path.stat().st_mode
        content = path.read_bytes()
    except FileNotFoundError:
        raise SettingsError(f"the key file {path} is missing; bring it back, or name it where you keep it") from None
    except OSError as error:
        raise SettingsError(f"the key file {path} cannot be read ({error.strerror})") from None
    if os.name != "nt" and mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise SettingsError(f"the key file {path} is open to other users; run chmod 600 on it and use it again")
    try:
        key = load_pem_private_key(content, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise SettingsError(f"{path} is not a private key; bring it back from a backup") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise SettingsError(f"{path} holds another kind of key; an Ed25519 key is needed")
    return key


def sync_folder(folder: Path) -> None:
    """Return once the names in a folder would survive a power cut."""
    if os.name == "nt":  # a folder cannot be opened there; NTFS logs its own changes
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
