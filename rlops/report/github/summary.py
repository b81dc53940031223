"""The job's summary."""

from collections.abc import Mapping
from pathlib import Path

from rlops.report.github.api import GitHubError

LONGEST_SUMMARY = (1 << 20) // 4 - 1
"""GitHub takes 1 MiB; a character has up to four bytes, and a line ends."""


def append_summary(environment: Mapping[str, str], markdown: str) -> bool:
    """Append to this step's summary; False where there is none, GitHubError where it cannot be written."""
    path = environment.get("GITHUB_STEP_SUMMARY")
    if not path:
        return False
    try:
        with Path(path).open("a", encoding="utf-8", errors="replace") as file:
            file.write(markdown.rstrip() + "\n")
    except OSError as error:
        raise GitHubError(f"the job's summary cannot be written: {path}: {error.strerror}") from None
    return True
