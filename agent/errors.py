"""Errors a person can act on. Each message is one sentence: what is wrong, whose fault it is, what to do next."""

from __future__ import annotations


class FramekeepError(Exception):
    """The root. `exit_code` is what the command line answers: 1 failure, 2 usage or configuration."""

    exit_code = 1


class UsageError(FramekeepError):
    """The command or the configuration is wrong; trying again unchanged cannot help."""

    exit_code = 2


class ConfigError(UsageError):
    """A configuration file or variable is wrong. The message names the file and the key."""


class CameraError(FramekeepError):
    """The root of what can go wrong with a source of frames."""


class CameraLost(CameraError):
    """The device stopped, or did not answer in time. Time goes on as `unknown`; opening again may help."""


class UnreadableSource(CameraError):
    """A file or folder cannot be read at all; the message names it."""


class EyesError(FramekeepError):
    """The eyes process did not start, died, or did not answer in time."""


class PolicyError(FramekeepError):
    """The signed policy or keyset is missing, expired or not acceptable: capture stops and says why."""


class NotEnrolled(FramekeepError):
    """The laptop belongs to no organisation yet, so nothing can be sent."""


class StoreError(FramekeepError):
    """The local store cannot be read or written."""


class EnrolmentRefused(FramekeepError):
    """The service did not accept the enrolment code."""
