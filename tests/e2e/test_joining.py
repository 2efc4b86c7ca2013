"""Promise: a laptop joins the organisation that issued its code and no other, and an interrupted try can be repeated."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from agent.errors import EnrolmentRefused, FramekeepError, UsageError
from agent.identity import enroll, load_identity
from agent.keys import NEXT_DEVICE_KEY, FileKeyStore, device_key
from agent.store import open_store
from agent.wire.ids import device_id
from tests.builders import NOW, Organisation
from tests.laptop import PORTAL, STORE_KEY, Laptop, enrolled_laptop
from tests.loopback import answer


@pytest.fixture
def laptop(tmp_path: Path) -> Iterator[Laptop]:
    with enrolled_laptop(tmp_path) as ready:
        yield ready


def test_a_crash_after_the_service_said_yes_is_healed_by_the_same_code(tmp_path: Path, laptop: Laptop) -> None:
    service = laptop.service
    code = service.org.code()
    service.codes[code.code_id] = code
    store = open_store(tmp_path / "second.sqlite", STORE_KEY, now=NOW).store
    keys = FileKeyStore(tmp_path / "second.json")
    service.trouble = lambda _method, path: "cut" if path == "/v1/devices" else None
    with pytest.raises(FramekeepError):
        enroll(str(code), service.endpoint, store=store, keys=keys, now=NOW)
    assert load_identity(store) is None and code.code_id in service.used
    service.trouble = None
    identity = enroll(str(code).lower(), service.endpoint + "/", store=store, keys=keys, now=NOW)
    assert identity.device in service.devices and load_identity(store) == identity
    store.close()


def test_a_revoked_laptop_enrols_anew_with_one_key_however_often_it_tries(laptop: Laptop) -> None:
    service, revoked = laptop.service, replace(laptop.identity, revoked=True)
    laptop.store.put_identity(revoked.to_bytes())
    before = len(service.devices)
    code = service.org.code()
    service.codes[code.code_id] = code
    service.trouble = lambda _method, path: "cut" if path == "/v1/devices" else None
    for _ in range(3):
        with pytest.raises(FramekeepError):
            enroll(str(code), service.endpoint, store=laptop.store, keys=laptop.keys, now=NOW)
        assert load_identity(laptop.store) == revoked
        key = device_key(laptop.keys)
        assert key is not None and device_id(key.public_key().public_bytes_raw()) == revoked.device
    service.trouble = None
    identity = enroll(str(code), service.endpoint, store=laptop.store, keys=laptop.keys, now=NOW)
    assert len(service.devices) == before + 1 and identity.device != revoked.device
    key = device_key(laptop.keys)
    assert key is not None and device_id(key.public_key().public_bytes_raw()) == identity.device
    # Killed before the pending key was forgotten, then revoked once more: it is not taken for a fresh one.
    laptop.keys.put(NEXT_DEVICE_KEY, key.private_bytes_raw())
    laptop.store.put_identity(replace(identity, revoked=True).to_bytes())
    code = service.org.code()
    service.codes[code.code_id] = code
    third = enroll(str(code), service.endpoint, store=laptop.store, keys=laptop.keys, now=NOW)
    assert third.device not in (identity.device, revoked.device) and laptop.keys.get(NEXT_DEVICE_KEY) is None


def test_codes_that_are_wrong_say_what_to_do(tmp_path: Path, laptop: Laptop) -> None:
    service = laptop.service
    store = open_store(tmp_path / "third.sqlite", STORE_KEY, now=NOW).store
    keys = FileKeyStore(tmp_path / "third.json")
    with pytest.raises(UsageError, match="copy it again"):
        enroll("FK1-AAAA", service.endpoint, store=store, keys=keys, now=NOW)
    with pytest.raises(EnrolmentRefused, match="ask for a new one"):
        enroll(str(service.org.code()), service.endpoint, store=store, keys=keys, now=NOW)
    with pytest.raises(EnrolmentRefused, match="check the server's address"):
        enroll(str(Organisation().code()), service.endpoint, store=store, keys=keys, now=NOW)
    service.trouble = lambda _method, _path: PORTAL
    with pytest.raises(FramekeepError, match="log in to the network"):
        enroll(str(service.org.code()), service.endpoint, store=store, keys=keys, now=NOW)
    assert all(path == "/v1/keyset" or method == "POST" for method, path in service.requests)
    store.close()


def test_a_server_of_another_organisation_learns_nothing(tmp_path: Path, laptop: Laptop) -> None:
    stranger = Organisation(endpoint=laptop.service.endpoint)
    code = stranger.code()
    laptop.service.trouble = lambda _method, path: (
        answer(200, {"roots": [], "keyset": {}}) if path == "/v1/keyset" else None
    )
    store = open_store(tmp_path / "fourth.sqlite", STORE_KEY, now=NOW).store
    before = len(laptop.service.requests)
    with pytest.raises(EnrolmentRefused):
        enroll(str(code), laptop.service.endpoint, store=store, keys=FileKeyStore(tmp_path / "4.json"), now=NOW)
    assert [path for _, path in laptop.service.requests[before:]] == ["/v1/keyset"]
    assert not (tmp_path / "4.json").exists()
    store.close()
