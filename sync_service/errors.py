"""What the service tells the person who runs it. Each message is one sentence: what is wrong, what to do next."""

from __future__ import annotations


class ServiceError(Exception):
    """The root. `exit_code` is what the command line answers: 1 failure, 2 usage or configuration."""

    exit_code = 1


class SettingsError(ServiceError):
    """An argument, a folder or a setting is wrong; trying again unchanged cannot help."""

    exit_code = 2


class DatabaseError(ServiceError):
    """The database does not start, or refused a statement for a reason that lies in the installation."""


class MigrationError(ServiceError):
    """The database was migrated by other files than these."""


class Unavailable(ServiceError):
    """A part is not ready now; the same call may succeed later. `retry_after` is in seconds."""

    def __init__(self, message: str, retry_after: int = 5) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class PoisonError(ServiceError):
    """The database refuses these values whenever they are sent: not a failure of the moment."""
