"""The bench tells the truth: it ends with the promised object, and what it counted is what it sent."""

from __future__ import annotations

import json
import subprocess
import sys


def test_a_small_bench_ends_with_its_figures_and_its_own_count() -> None:
    command = [sys.executable, "-m", "sync_service.cli", "bench", "--json", "--envelopes", "300"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    figures = json.loads(result.stdout.splitlines()[-1])
    for name in ("envelopes_per_second", "http_envelopes_per_second", "windows_per_second"):
        assert figures[name] > 0
    assert {"verify_us", "durable_store_us", "write_rows_us", "open_us", "open_and_ledger_us"} < set(figures["stages"])
    sent = 300 + 300 // 2 + 300 // 6
    assert figures["counted"] == {
        "envelopes": sent, "ledger_windows": sent * 6, "windows": sent * 6, "quarantined": 0,
        "expected_windows": sent * 6,
    }  # fmt: skip
