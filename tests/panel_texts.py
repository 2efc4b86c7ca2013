"""Every text the panel and the tray can say, found where it stands."""

from __future__ import annotations

import ast
from pathlib import Path

from babel.messages.extract import extract_from_dir, extract_from_file

AGENT = Path(__file__).resolve().parents[1] / "agent"
_WORDS = {"gettext": None, "ngettext": (1, 2), "_": None, "N_": None, "t": None}
SENTENCES = ("attention/explain.py", "attention/calibration.py", "check.py")
"""Files whose tables of sentences (SENTENCES, STATE_WORDS) are translated where they are shown."""
_TABLES = {"SENTENCES", "STATE_WORDS"}


def texts() -> set[str | tuple[str, str]]:
    """All of them; one with a plural is the pair of its English forms."""
    found: set[str | tuple[str, str]] = set()
    methods = [("**.py", "python"), ("**.html", "jinja2.ext:babel_extract")]
    for folder in ("panel", "tray"):
        for _, _, text, _, _ in extract_from_dir(AGENT / folder, methods, keywords=_WORDS, callback=None):
            found.add(text if isinstance(text, str) else (str(text[0]), str(text[1])))
    for file in AGENT.glob("*.py"):
        said = {"gettext": None, "ngettext": (1, 2)}
        for _, text, _, _ in extract_from_file("python", file, keywords=said):
            found.add(text if isinstance(text, str) else (str(text[0]), str(text[1])))
    for name in SENTENCES:
        found |= set(_sentences(AGENT / name))
    return found


def _sentences(file: Path) -> list[str]:
    """The values of a file's tables of sentences."""
    tables = []
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        if isinstance(target, ast.Name) and target.id in _TABLES and isinstance(value := node.value, ast.Dict):  # type: ignore[attr-defined]  # both kinds have one
            tables += [ast.literal_eval(each) for each in value.values]
    return tables
