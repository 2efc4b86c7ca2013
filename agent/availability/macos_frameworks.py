"""The few functions of macOS' frameworks that the signals need, by ctypes. Not yet run on macOS.

Names, types and numbers are those of Apple's headers: CFBase.h, CFString.h, CGSession.h, IOKitLib.h, IOPowerSources.h,
CMIOHardwareObject.h, CMIOHardwareSystem.h and CMIOHardwareDevice.h.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from agent.availability.macos_answers import ON_CONSOLE, SCREEN_LOCKED

_UTF8 = 0x08000100
_SINT64 = 4
_FOLDER = "/System/Library/Frameworks"
_POINTER, _INT, _UINT = ctypes.c_void_p, ctypes.c_int, ctypes.c_uint32

SYSTEM_OBJECT = 1
DEVICES, RUNNING_SOMEWHERE, GLOBAL = (int.from_bytes(code, "big") for code in (b"dev#", b"gone", b"glob"))


class Address(ctypes.Structure):
    """CMIOObjectPropertyAddress."""

    _fields_ = (("selector", _UINT), ("scope", _UINT), ("element", _UINT))


class Frameworks:
    """The frameworks, loaded. Raises OSError where they, or what is needed of them, are missing."""

    def __init__(self) -> None:
        self._foundation = _load("CoreFoundation")
        self._graphics = _load("CoreGraphics")
        self._kit = _load("IOKit")
        self._media = _load("CoreMediaIO")
        try:
            self._declare()
        except AttributeError as error:
            raise OSError(f"this macOS lacks a function: {error}") from error

    def session(self) -> dict[str, object] | None:
        """The two entries of this login's session that say whether it is locked; None without a screen."""
        with self._owned(self._graphics.CGSessionCopyCurrentDictionary()) as found:
            if not found:
                return None
            values = ((key, self._entry(found, key)) for key in (SCREEN_LOCKED, ON_CONSOLE))
            return {key: value for key, value in values if value is not None}

    def root_domain(self, key: str) -> object:
        """A value of the power management's root domain, True, False, a number or None."""
        service = self._kit.IOServiceGetMatchingService(0, self._kit.IOServiceMatching(b"IOPMrootDomain"))
        if not service:
            return None
        try:
            with (
                self._text(key) as name,
                self._owned(self._kit.IORegistryEntryCreateCFProperty(service, name, None, 0)) as value,
            ):
                return self._value(value)
        finally:
            self._kit.IOObjectRelease(service)

    def power_source(self) -> str | None:
        """The name of what the machine lives on."""
        with self._owned(self._kit.IOPSCopyPowerSourcesInfo()) as blob:
            if not blob:
                return None
            buffer = ctypes.create_string_buffer(64)
            name = self._kit.IOPSGetProvidingPowerSourceType(blob)
            if not name or not self._foundation.CFStringGetCString(name, buffer, len(buffer), _UTF8):
                return None
            return buffer.value.decode("utf-8", "replace")

    def camera_running(self) -> bool | None:
        """Whether any camera runs for any program; None without a camera, or when it is not told."""
        devices = self._devices()
        answers = [self._running(device) for device in devices]
        known = [answer for answer in answers if answer is not None]
        return any(known) if known else None

    def _devices(self) -> list[int]:
        address, size, used = Address(DEVICES, GLOBAL, 0), _UINT(), _UINT()
        asked = self._media.CMIOObjectGetPropertyDataSize(
            SYSTEM_OBJECT, ctypes.byref(address), 0, None, ctypes.byref(size)
        )
        if asked != 0 or not size.value:
            return []
        found = (_UINT * (size.value // 4))()
        asked = self._media.CMIOObjectGetPropertyData(
            SYSTEM_OBJECT, ctypes.byref(address), 0, None, size, ctypes.byref(used), ctypes.byref(found)
        )
        return list(found)[: used.value // 4] if asked == 0 else []

    def _running(self, device: int) -> bool | None:
        address, running, used = Address(RUNNING_SOMEWHERE, GLOBAL, 0), _UINT(), _UINT()
        asked = self._media.CMIOObjectGetPropertyData(
            device, ctypes.byref(address), 0, None, 4, ctypes.byref(used), ctypes.byref(running)
        )
        return bool(running.value) if asked == 0 else None

    def _entry(self, dictionary: int, key: str) -> object:
        with self._text(key) as name:
            return self._value(self._foundation.CFDictionaryGetValue(dictionary, name))

    def _value(self, value: int | None) -> object:
        if not value:
            return None
        kind = self._foundation.CFGetTypeID(value)
        if kind == self._foundation.CFBooleanGetTypeID():
            return bool(self._foundation.CFBooleanGetValue(value))
        number = ctypes.c_int64()
        if kind == self._foundation.CFNumberGetTypeID() and self._foundation.CFNumberGetValue(
            value, _SINT64, ctypes.byref(number)
        ):
            return number.value
        return None

    @contextmanager
    def _text(self, text: str) -> Iterator[int | None]:
        with self._owned(self._foundation.CFStringCreateWithCString(None, text.encode(), _UTF8)) as value:
            yield value

    @contextmanager
    def _owned(self, value: int | None) -> Iterator[int | None]:
        """Released at the end, as what a "create" or "copy" function returned must be."""
        try:
            yield value
        finally:
            if value:
                self._foundation.CFRelease(value)

    def _declare(self) -> None:
        for library, name, answer, *takes in (
            (self._foundation, "CFRelease", None, _POINTER),
            (self._foundation, "CFGetTypeID", ctypes.c_ulong, _POINTER),
            (self._foundation, "CFBooleanGetTypeID", ctypes.c_ulong),
            (self._foundation, "CFNumberGetTypeID", ctypes.c_ulong),
            (self._foundation, "CFBooleanGetValue", ctypes.c_ubyte, _POINTER),
            (self._foundation, "CFNumberGetValue", ctypes.c_ubyte, _POINTER, ctypes.c_long, _POINTER),
            (self._foundation, "CFDictionaryGetValue", _POINTER, _POINTER, _POINTER),
            (self._foundation, "CFStringCreateWithCString", _POINTER, _POINTER, ctypes.c_char_p, _UINT),
            (self._foundation, "CFStringGetCString", ctypes.c_ubyte, _POINTER, ctypes.c_char_p, ctypes.c_long, _UINT),
            (self._graphics, "CGSessionCopyCurrentDictionary", _POINTER),
            (self._kit, "IOServiceMatching", _POINTER, ctypes.c_char_p),
            (self._kit, "IOServiceGetMatchingService", _UINT, _UINT, _POINTER),
            (self._kit, "IORegistryEntryCreateCFProperty", _POINTER, _UINT, _POINTER, _POINTER, _UINT),
            (self._kit, "IOObjectRelease", _INT, _UINT),
            (self._kit, "IOPSCopyPowerSourcesInfo", _POINTER),
            (self._kit, "IOPSGetProvidingPowerSourceType", _POINTER, _POINTER),
            (self._media, "CMIOObjectGetPropertyDataSize", _INT, _UINT, _POINTER, _UINT, _POINTER, _POINTER),
            (
                self._media,
                "CMIOObjectGetPropertyData",
                _INT,
                _UINT,
                _POINTER,
                _UINT,
                _POINTER,
                _UINT,
                _POINTER,
                _POINTER,
            ),
        ):
            function: Any = getattr(library, name)
            function.restype, function.argtypes = answer, takes


def _load(name: str) -> ctypes.CDLL:
    if sys.platform != "darwin":
        raise OSError("the frameworks are macOS'")
    return ctypes.CDLL(f"{_FOLDER}/{name}.framework/{name}")
