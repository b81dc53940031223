"""Gates that are quick: trainers that need no wandb, and no supervisor.

The trainers write the file that the client would, by the text of `wandb_writer`, and a process is started as it is.
Git, worktrees, processes, the store and the judge are real; wandb is in test_three_branches.py, the supervisor in
test_wrong_code.py and wherever PROGRAM is run.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from rlops import training
from rlops.curves import Freezing, LearningCurve, Run, RunSet
from rlops.curves.baselines import write_baseline
from rlops.gate import gate_change
from rlops.judge import Finding, Verdict
from rlops.launch import CellGroup, supervise
from rlops.launch.executor import Ending
from rlops.plan import Margins, Metric
from rlops.training import Watchers
from rlops.workspace import Workspace
from tests.versions.repositories import Repo, make_repository

BENCHMARK = """
environments = ["A-v0", "B-v0"]
budget = 1_000
code = ["train.py"]
packages = []
command = ["{python}", "-I", "-S", "train.py", "{env_id}", "{seed}"]
[seeds]
baseline = "1-3"
candidate = "101-105"
[metric]
name = "score"
step = "step"
[policy]
alpha = 0.1
looks = []
confirm = 0
"""
"""One look: what is trained does not depend on the numbers. Three runs against five cannot be worse at 0.05."""
BASE, HEAD, FIRST = 3, 5, 2
"""Seeds of the baseline, of the candidate, and those that both versions train before any statistics."""

WRITER = Path(__file__).parents[1] / "curves" / "sources" / "wandb_writer.py"
LOGGER = (
    WRITER.read_text(encoding="utf-8")
    + '''
import os, sys


def note_start(env_id, seed):
    with open(os.path.expanduser("~/starts"), "a") as file:
        file.write(f"{os.getcwd()} {env_id} {seed}\\n")


def noise_of(env_id, seed):
    return zlib.crc32(f"{env_id} {seed}".encode()) % 1000 / 150 - 3.33


def log(curve, config="{}", name="x"):
    """The file of a run with this curve of (step, JSON text)."""
    folder = os.path.join(os.environ["WANDB_DIR"], "wandb", f"offline-run-{name}")
    os.makedirs(folder)
    rows = [{"step": repr(step), "score": value} for step, value in curve]
    with open(os.path.join(folder, f"run-{name}.wandb"), "wb") as file:
        file.write(log_of(run_records(rows, json.loads(config))))


def plateau(level):
    return [(step, repr(min(step / 300, 1) * level)) for step in range(10, 1001, 10)]
'''
)


def trainer(level: str = "100 + noise", before: str = "pass", after: str = "pass") -> str:
    """train.py ENV_ID SEED: a plateau at `level`; `noise` is the seed's. Other statements before and after it."""
    return f"""{LOGGER}
env_id, seed = sys.argv[1], int(sys.argv[2])
note_start(env_id, seed)
{before}
noise = noise_of(env_id, seed)
log(plateau({level}))
{after}
"""


@dataclass
class Gate:
    """`rlops gate own --base REF` in this process, in a repository; `told` is what it said meanwhile."""

    repository: Repo
    told: list[str]

    @property
    def store(self) -> Path:
        return self.repository.root / ".rlops"

    def here(
        self, base: str = "main", baseline: str | None = None, seeds: tuple[int, ...] | None = None
    ) -> tuple[Verdict, Counter[str]]:
        """The verdict on the checkout, and how many trainings each worktree saw for it."""
        before = len(self.repository.starts)
        watchers = Watchers(told=self.told.append)
        verdict = gate_change(Workspace(self.repository.root, self.store), "own", base, baseline, seeds, watchers)
        places = (Path(line.rsplit(maxsplit=2)[0]) for line in self.repository.starts[before:])
        return verdict, Counter(place.relative_to(self.store / "worktrees").parts[0] for place in places)

    def __call__(self, branch: str, base: str = "main", baseline: str | None = None) -> tuple[Verdict, int]:
        """The verdict on a branch, and how many trainings were started for it."""
        self.repository.git("checkout", "--quiet", branch)
        verdict, started = self.here(base, baseline)
        return verdict, started.total()


@dataclass
class Unsupervised:
    """The executor, without the process between: it starts the command, and writes what the supervisor writes."""

    cores: int
    running: dict[CellGroup, tuple[subprocess.Popen[bytes], float]] = field(default_factory=dict)

    def capacity(self) -> int:
        return 4

    def submit(self, group: CellGroup) -> None:
        supervise.clear_earlier_attempt(group.folder)
        request = group.request()
        supervise.write_json(group.folder / "cell.json", request)
        with (group.folder / "stdout.log").open("wb") as log:
            started = subprocess.Popen(
                list(group.grid.benchmark.argv(group.env_id, group.seeds, group.grid.variant.python)),
                cwd=group.grid.variant.root, env=group.environment(), stdout=log, stderr=log,
            )  # fmt: skip
        self.running[group] = started, time.monotonic()

    def poll(self, group: CellGroup) -> Ending | None:
        process, started = self.running[group]
        code = process.poll()
        if code is None:
            return None
        if code < 0:
            (group.folder / "killed").write_text(signal.Signals(-code).name)
            return Ending.STOPPED
        supervise.write_done(group.folder, code, started)
        return Ending.ENDED

    def cancel(self, group: CellGroup) -> None:
        self.running[group][0].terminate()


def hurry(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    """Wait less, and see no git configuration of the user."""
    monkeypatch.setattr(sys.modules["rlops.launch.fill"], "POLL_SECONDS", 0.005)
    monkeypatch.setattr(sys.modules["rlops.launch.fill"], "FIRST_WAIT", 0.01)
    monkeypatch.setattr(training, "executor_for", lambda _name, benchmark: Unsupervised(benchmark.resources.cores))
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    for name in [name for name in os.environ if name.startswith("GIT_CONFIG_GLOBAL")]:
        monkeypatch.delenv(name)


def make(root: Path, benchmark: str = BENCHMARK, **files: str) -> Repo:
    """A repository whose main has the benchmark `own` and a trainer that is as it should be."""
    repository = make_repository(root)
    repository.commit("main", **{"benchmarks/own.toml": benchmark, "train.py": trainer(), "README.md": "hi\n", **files})
    return repository


ONE = BENCHMARK.replace('["A-v0", "B-v0"]', '["A-v0"]')
PROGRAM = """
import sys
from rlops.cli.main import main
sys.argv[0] = "rlops"
main()
"""


def kinds(verdict: Verdict) -> list[str]:
    return [finding.kind for finding in verdict.findings]


def of_kind(verdict: Verdict, kind: str) -> list[Finding]:
    return [finding for finding in verdict.findings if finding.kind == kind]


def words(verdict: Verdict) -> dict[str, str]:
    return {item.env_id: str(item.verdict) for item in verdict.environments}


def stored_verdicts(repository: Repo) -> list[dict[str, object]]:
    return [json.loads(path.read_text()) for path in sorted(repository.root.glob(".rlops/verdicts/*/verdict.json"))]


def store_baseline(
    gate: Gate, name: str = "own", level: float = 100.0, key: str | None = None,
    env_ids: tuple[str, ...] = ("A-v0", "B-v0"), **more: object,
) -> None:  # fmt: skip
    """baselines/NAME.json in the checkout: seeds 1 to 5, two points of score apart; `key`: of the cells they were."""
    runs = []
    for env_id in env_ids:
        for seed in range(1, 6):
            values = [min(step / 300, 1) * (level + 2 * (seed - 3)) for step in range(10, 1001, 10)]
            curve = LearningCurve.from_points(range(10, 1001, 10), values)
            runs.append(Run(env_id, seed, curve, curve.sha256()))
    budgets = dict.fromkeys(env_ids, 1000)
    metric = Metric(name="score", step="step")
    freezing = Freezing(metric, Margins(), budgets, {}, "own", benchmark_key=key)
    frozen = freezing.freeze(name, RunSet("by hand", tuple(runs))).model_copy(update=more)
    write_baseline(frozen, gate.repository.root / "baselines")


def on_branch(gate: Gate, code: str, name: str = "branch") -> str:
    gate.repository.branch(name)
    return gate.repository.commit(name, **{"train.py": code})
