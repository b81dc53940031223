"""Somebody with an account at the stand-in, a folder with a benchmark, and `rlops` on the command line."""

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.integration.wandb_standin.children import account, hermetic_environment
from tests.integration.wandb_standin.server import API_KEY, Standin

BENCHMARK = """
environments = [{environments}]
budget = 10_000
code = ["bench.py"]
packages = []
command = ["{{python}}", "bench.py", "{{env_id}}", "{{seed}}"]
"""


@dataclass
class User:
    """`user("compare", ...)` gives stdout and stderr; no answer may hold the API key."""

    server: Standin
    folder: Path

    def environment(self, **more: str) -> dict[str, str]:
        return hermetic_environment(self.folder, **{**account(self.server.url), "WANDB_PROJECT": "bench", **more})

    def add_benchmark(self, environments: Sequence[str]) -> None:
        """`benchmarks/bench.toml`."""
        (self.folder / "benchmarks").mkdir()
        (self.folder / "bench.py").touch()
        names = ", ".join(f'"{name}"' for name in environments)
        (self.folder / "benchmarks" / "bench.toml").write_text(BENCHMARK.format(environments=names))

    def start(self, *arguments: str, **more: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "rlops", *arguments], cwd=self.folder, env=self.environment(**more), text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip

    def __call__(self, *arguments: str, code: int = 0, **more: str) -> tuple[str, str]:
        process = self.start(*arguments, **more)
        out, err = process.communicate(timeout=120)
        assert process.returncode == code, (out, err)
        assert API_KEY not in out + err
        return out, err
