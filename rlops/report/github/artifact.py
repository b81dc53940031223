"""The verdict.json that another workflow run, or this one, left as an artifact. Nothing in it is trusted."""

import io
import lzma
import zipfile
import zlib
from collections.abc import Mapping

from pydantic import BaseModel

from rlops.report.github.api import Api, GitHubError
from rlops.report.github.event import Event

MOST_BYTES = 64 << 20
MOST_UNPACKED = 16 << 20
"""Twenty environments with two times ten seeds take 1 MB."""
NAME = "verdict.json"
UNREADABLE = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, KeyError, EOFError, OSError, RuntimeError, ValueError)
"""What reading an archive that somebody made up can end with; RuntimeError where it wants a password."""


class _Artifact(BaseModel):
    id: int
    name: str
    size_in_bytes: int
    expired: bool = False


class _Artifacts(BaseModel):
    artifacts: tuple[_Artifact, ...]


def verdict_of_run(environment: Mapping[str, str], artifact: str) -> bytes:
    """verdict.json in the artifact of that name, of the workflow run that this job follows or else of its own run."""
    event = Event.of(environment)
    api = Api.of(environment)
    run = event.workflow_run.id if event.workflow_run else environment.get("GITHUB_RUN_ID", "")
    found = api.get(f"/actions/runs/{run}/artifacts", _Artifacts, name=artifact, per_page=100).artifacts
    kept = [item for item in found if item.name == artifact and not item.expired]
    if not kept:
        raise GitHubError(
            f"workflow run {run} has no artifact '{artifact}': its gate wrote no verdict, its log says why"
        )
    newest = max(kept, key=lambda item: item.id)
    if newest.size_in_bytes > MOST_BYTES:
        raise GitHubError(f"the artifact '{artifact}' has {newest.size_in_bytes:,} bytes; that is no verdict of rlops")
    return _unpacked(api.download(f"/actions/artifacts/{newest.id}/zip", MOST_BYTES), artifact)


def _unpacked(content: bytes, artifact: str) -> bytes:
    """One file of it, in memory: no name in an archive chooses where anything is written."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive, archive.open(NAME) as file:
            unpacked = file.read(MOST_UNPACKED + 1)
    except UNREADABLE:
        raise GitHubError(f"the artifact '{artifact}' is no archive with a {NAME}") from None
    if len(unpacked) > MOST_UNPACKED:
        raise GitHubError(f"{NAME} in the artifact '{artifact}' has more than {MOST_UNPACKED:,} bytes")
    return unpacked
