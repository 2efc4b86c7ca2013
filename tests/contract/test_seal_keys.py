"""What every SealKeys promises, the fake's included; files are private, checked and really gone."""

from __future__ import annotations

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.wire.seal import SealKey
from sync_service.errors import SettingsError
from sync_service.key_files import write_key
from sync_service.local.seal_keys import FileSealKeys
from sync_service.ports import SealKeys
from tests.fakes import FakeSealKeys


@pytest.fixture(params=["fake", "files"])
def keys(request: pytest.FixtureRequest, tmp_path: Path) -> SealKeys:
    return FakeSealKeys() if request.param == "fake" else FileSealKeys(tmp_path / "keys")


@pytest.mark.parametrize("suite", [1, 2])
def test_a_key_is_kept_and_found_by_its_id(keys: SealKeys, suite: int) -> None:
    key = SealKey.generate(suite)
    assert keys.find(key.public.id) is None
    keys.add(key)
    keys.add(key)
    assert keys.find(key.public.id) == key
    assert keys.find("0" * 32) is None


def test_destroyed_is_destroyed(keys: SealKeys) -> None:
    key = SealKey.generate()
    keys.add(key)
    assert keys.find(key.public.id) == key
    keys.destroy(key.public.id)
    keys.destroy(key.public.id)
    assert keys.find(key.public.id) is None


def test_the_ledger_secret_stays(keys: SealKeys) -> None:
    assert len(keys.ledger_secret()) == 32
    assert keys.ledger_secret() == keys.ledger_secret()


def test_files_are_for_their_owner_only(tmp_path: Path) -> None:
    keys = FileSealKeys(tmp_path / "keys")
    keys.add(SealKey.generate())
    keys.ledger_secret()
    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "keys").iterdir()} == {0o600}
    assert len(list((tmp_path / "keys").iterdir())) == 2  # no drafts left behind


def test_another_process_s_destruction_is_noticed(tmp_path: Path) -> None:
    ours, theirs, key = FileSealKeys(tmp_path / "keys"), FileSealKeys(tmp_path / "keys"), SealKey.generate()
    theirs.add(key)
    assert ours.find(key.public.id) == key
    theirs.destroy(key.public.id)
    assert ours.find(key.public.id) is None


def test_two_who_make_the_ledger_secret_at_once_get_the_same(tmp_path: Path) -> None:
    stores = [FileSealKeys(tmp_path / "keys") for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(FileSealKeys.ledger_secret, stores))) == 1


def test_a_damaged_file_is_no_key_and_a_damaged_secret_stops(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    keys, key = FileSealKeys(tmp_path / "keys"), SealKey.generate()
    keys.add(key)
    path = tmp_path / "keys" / f"{key.public.id}.key"
    content = bytearray(path.read_bytes())
    content[10] ^= 4
    path.write_bytes(content)
    assert FileSealKeys(tmp_path / "keys").find(key.public.id) is None
    assert "restore it" in caplog.text and bytes(content).hex() not in caplog.text
    path.write_bytes(b"")
    assert FileSealKeys(tmp_path / "keys").find(key.public.id) is None
    keys.ledger_secret()
    (tmp_path / "keys" / "ledger-secret").write_bytes(os.urandom(5))
    with pytest.raises(SettingsError):
        FileSealKeys(tmp_path / "keys").ledger_secret()


def test_an_id_cannot_name_another_file(tmp_path: Path) -> None:
    with pytest.raises(SettingsError):
        FileSealKeys(tmp_path / "keys").find("../keys/ledger-secret")


def test_a_key_file_survives_a_power_cut_by_its_name_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[bool] = []
    real = os.fsync

    def fsync(descriptor: int) -> None:
        synced.append(stat.S_ISDIR(os.fstat(descriptor).st_mode))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    write_key(tmp_path / "keys" / "root.pem", Ed25519PrivateKey.generate())
    assert synced == [False, True]
