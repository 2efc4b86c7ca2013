"""The local store: one encrypted SQLite file that holds everything until the service has it."""

from agent.store.holding import Holding
from agent.store.recover import Opened, open_store
from agent.store.rows import (
    WITHHELD,
    Draft,
    EnvelopeRow,
    EnvelopeState,
    OutboxSummary,
    RowDamaged,
    SealedDraft,
    StoredDocument,
    StoredWindow,
)
from agent.store.schema import StoreDamaged, StoreTooNew, StoreUnavailable
from agent.store.store import DEFAULT_BUDGET, DocumentKind, Store

__all__ = [
    "DEFAULT_BUDGET",
    "WITHHELD",
    "DocumentKind",
    "Draft",
    "EnvelopeRow",
    "EnvelopeState",
    "Holding",
    "Opened",
    "OutboxSummary",
    "RowDamaged",
    "SealedDraft",
    "Store",
    "StoreDamaged",
    "StoreTooNew",
    "StoreUnavailable",
    "StoredDocument",
    "StoredWindow",
    "open_store",
]
