"""Imported first: lets the agent's own modules, and those of models/, be found from here."""

from __future__ import annotations

import sys
from pathlib import Path

MODELS = Path(__file__).resolve().parents[1]
ROOT = MODELS.parent
sys.path[1:1] = [str(ROOT), str(MODELS)]
