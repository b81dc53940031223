"""Which environments can gymnasium make here?"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from importlib import util
from pathlib import Path

from rlops.strangers import clean, passed_on

SECONDS = 60
"""For all of them together (arbitrary)."""
NO_ANSWER = "it crashed, or took too long"
PROGRAM = Path(__file__).resolve().with_name("make_environments.py")


def try_environments(env_ids: Sequence[str], seconds: float = SECONDS) -> dict[str, str | None] | None:
    """Why each environment cannot be made, None for one that can; None for all where gymnasium is not installed.

    They are made in a process of its own, without the user's secrets.
    """
    if util.find_spec("gymnasium") is None:
        return None
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            [sys.executable, "-P", str(PROGRAM), *env_ids],
            env=passed_on(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(seconds)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        output.seek(0)
        answers = dict(_answers(output.read().decode(errors="replace")))
    return {env_id: answers.get(env_id, NO_ANSWER) for env_id in env_ids}


def _answers(text: str) -> Iterator[tuple[str, str | None]]:
    for line in text.splitlines():
        with contextlib.suppress(ValueError, TypeError):
            env_id, why = json.loads(line)
            yield str(env_id), None if why is None else " ".join(clean(str(why)).split())
