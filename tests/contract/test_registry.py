"""What every DeviceRegistry promises, the fake's included."""

from __future__ import annotations

import dataclasses

import pytest

from sync_service.local.registry import REMEMBER_SECONDS, PostgresRegistry
from sync_service.ports import Device, DeviceRegistry
from tests.fakes import FakeRegistry
from tests.pg import FreshDatabase
from tests.world import NOW, World


@pytest.fixture(params=["fake", "postgres"])
def registry(request: pytest.FixtureRequest, pg: FreshDatabase) -> DeviceRegistry:
    if request.param == "fake":
        return FakeRegistry()
    return PostgresRegistry(pg.role("ingest"), pg.role("admin"))


@pytest.fixture
def device(pg: FreshDatabase) -> Device:
    world = World(pg.owner)
    return dataclasses.replace(World().laptop().device, org=world.org, person=world.person())


def test_nobody_is_nobody(registry: DeviceRegistry, device: Device) -> None:
    assert registry.find(device.id) is None
    assert registry.find("") is None
    registry.revoke(device.id, now=NOW)
    assert registry.find(device.id) is None


def test_an_enrolled_device_is_found_as_it_was_added(registry: DeviceRegistry, device: Device) -> None:
    assert registry.add(device, now=NOW)
    assert registry.find(device.id) == device


def test_an_id_is_taken_once(registry: DeviceRegistry, device: Device) -> None:
    registry.add(device, now=NOW)
    assert not registry.add(dataclasses.replace(device, public=bytes(32)), now=NOW)
    assert registry.find(device.id) == device


def test_a_revocation_holds_at_once_and_for_good(registry: DeviceRegistry, device: Device) -> None:
    registry.add(device, now=NOW)
    registry.find(device.id)
    registry.revoke(device.id, now=NOW)
    registry.revoke(device.id, now=NOW + 1)
    assert registry.find(device.id) == dataclasses.replace(device, revoked=True)
    assert not registry.add(device, now=NOW)
    assert registry.find(device.id) == dataclasses.replace(device, revoked=True)


def test_a_token_is_spent_once_until_it_expires(registry: DeviceRegistry, device: Device) -> None:
    other = "e" * 32
    assert registry.spend_token(device.id, "a" * 32, expires=NOW + 60, now=NOW)
    assert not registry.spend_token(device.id, "a" * 32, expires=NOW + 60, now=NOW + 59)
    assert registry.spend_token(device.id, "b" * 32, expires=NOW + 60, now=NOW)
    assert registry.spend_token(other, "a" * 32, expires=NOW + 60, now=NOW)
    assert registry.spend_token(device.id, "a" * 32, expires=NOW + 120, now=NOW + 60)


def test_another_process_s_revocation_is_seen_after_a_moment(pg: FreshDatabase, device: Device) -> None:
    now = [0.0]
    ours = PostgresRegistry(pg.role("ingest"), clock=lambda: now[0])
    theirs = PostgresRegistry(pg.role("admin"))
    theirs.add(device, now=NOW)
    assert ours.find(device.id) == device
    theirs.revoke(device.id, now=NOW)
    now[0] = REMEMBER_SECONDS + 0.01
    found = ours.find(device.id)
    assert found is not None and found.revoked
