"""Gold files: what a rendering looked like when somebody last looked at it.

A changed rendering fails its test. Look at the difference; if it is meant, renew the files and review them in git:

    RLOPS_RENEW_GOLD=1 python -m pytest tests/report/test_gold.py
"""

import difflib
import os
from pathlib import Path

GOLD = Path(__file__).parents[1] / "gold" / "report"


def check(name: str, rendered: str) -> None:
    """Fail with the difference if the gold file `name` differs from what was rendered."""
    path = GOLD / name
    if os.environ.get("RLOPS_RENEW_GOLD") == "1":
        path.write_text(rendered, encoding="utf-8")
    expected = path.read_text(encoding="utf-8") if path.exists() else ""
    if rendered != expected:
        difference = difflib.unified_diff(
            expected.splitlines(), rendered.splitlines(), "gold", "rendered", lineterm="", n=1
        )
        shown = "\n".join(line[:300] for line in list(difference)[:60])
        raise AssertionError(f"{name} is rendered in another way; if that is meant: RLOPS_RENEW_GOLD=1\n{shown}")
