"""A server with runs on it, and a user who reads them in a process of its own."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.integration.wandb_standin.children import account, child, hermetic_environment
from tests.integration.wandb_standin.server import API_KEY, Standin, StoredRun

METRIC = "charts/episodic_return"
PROJECT = "wandb:team/bench"

READER = """
import json, sys
from pathlib import Path
from rlops.curves.references import parse_reference
from rlops.curves.sources import wandb_api
from rlops.curves.sources.source import pull
from rlops.curves.sources.wandb_files import WandbFiles
from rlops.curves.store import Store
from rlops.errors import RlopsError

store, patience, rows_a_page, *references = sys.argv[1:]
wandb_api.ROWS_A_PAGE = int(rows_a_page)
FACTS = "identity version state config url started_at minutes incomplete tags group source".split()

def told(history):
    run = history.run("charts/episodic_return", "global_step")
    facts = {name: getattr(history, name) for name in FACTS}
    return {**facts, "sha256": run.curve_sha256, "points": int(run.curve.steps.size), "seed": run.seed}

def runs(text):
    reference = parse_reference(text)
    api = reference.kind == "wandb"
    source = wandb_api.WandbProject(reference, int(patience)) if api else WandbFiles(Path(reference.target))
    return [told(history) for history in pull(source, Store(Path(store)))]

try:
    print(json.dumps([runs(text) for text in references]))
except RlopsError as error:
    print(error, file=sys.stderr)
    sys.exit(int(error.exit_code))
"""


@dataclass
class Bench:
    """A server with runs on it, and a user who reads them."""

    server: Standin
    folder: Path

    def environment(self, **more: str) -> dict[str, str]:
        return hermetic_environment(self.folder, **{**account(self.server.url), **more})

    def read_all(self, *references: str, rows_a_page: int = 10_000, patience: int = 20) -> list[list[dict[str, Any]]]:
        store = str(self.folder / "store")
        done = child(READER, self.environment(), store, str(patience), str(rows_a_page), *references)
        return json.loads(done.stdout)

    def read(self, reference: str = PROJECT, **how: int) -> dict[str, dict[str, Any]]:
        """The runs of one reference by their id."""
        (runs,) = self.read_all(reference, **how)
        return {run["source"].rpartition("/")[2]: run for run in runs}

    def refused(self, reference: str = PROJECT, patience: int = 20, **environment: str) -> str:
        """What the user is told where reading is a usage error."""
        arguments = (str(self.folder / "store"), str(patience), "10000", reference)
        done = child(READER, self.environment(**environment), *arguments, exit_code=2)
        assert API_KEY not in done.stdout + done.stderr
        assert done.stdout == ""
        return done.stderr

    def pages(self, since: int = 0) -> list[tuple[str, int]]:
        """The pages of history that were asked for: of which run, from which _step on."""
        asked = self.server.asked[since:]
        return [(variables["run"], variables["minStep"]) for name, variables in asked if name == "HistoryPage"]

    def add(self, name: str, steps: range | list[int], **fields: Any) -> StoredRun:
        """A run that nobody wrote, with one row at each _step."""
        rows = [{"_step": step, "global_step": step, METRIC: step / 3} for step in steps]
        config = {"env_id": {"value": "Hopper-v4"}, "seed": {"value": 9}}
        run = StoredRun("team", "bench", name, rows=rows, config=config, **{"state": "finished", **fields})
        self.server.runs[run.path] = run
        self.server.projects.add("team/bench")
        return run
