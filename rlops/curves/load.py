"""From a reference to its run set."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rlops.curves.history import RunHistory
from rlops.curves.learning_curve import RunSet
from rlops.curves.references import Reference, metric_name
from rlops.curves.sources.cells import Cells, holds_cells
from rlops.curves.sources.source import pull
from rlops.curves.sources.table import read_table
from rlops.curves.sources.wandb_api import WandbProject
from rlops.curves.sources.wandb_files import WandbFiles
from rlops.curves.store import Store
from rlops.errors import UsageError
from rlops.plan import Metric, did_you_mean

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Loader:
    """Brings the runs of references into `store` and reads the curves of `metric` from them."""

    store: Store
    metric: Metric = Metric()
    progress: Progress = lambda _done, _all: None

    def histories(self, reference: Reference) -> list[RunHistory]:
        """All runs of a reference that has histories (wandb:, dir:), pulled where the store has not got them."""
        if reference.kind == "wandb":
            return pull(WandbProject(reference), self.store, self.progress)
        if reference.kind != "dir":
            raise UsageError(f"'{reference.text}': nothing to pull; wandb: and dir: references have histories")
        folder = Path(reference.target)
        if not folder.is_dir():
            raise UsageError(f"'{reference.text}': there is no folder {folder}")
        if holds_cells(folder):
            cells = Cells(folder, self.metric.step, reference.env_ids, reference.seeds)
            histories = cells.settled(pull(cells, self.store, self.progress))
        else:
            histories = pull(WandbFiles(folder, self.metric.step), self.store, self.progress)
        return [history for history in histories if _matches(history, reference)]

    def runs(self, reference: Reference) -> RunSet:
        """The run set of a wandb:, dir: or file: reference. Raises UsageError when it is empty."""
        if reference.kind == "file":
            return read_table(reference, self.metric.name)
        metric = metric_name(reference, self.metric.name)
        # A process that was killed at birth leaves a run that says nothing, not even whose it is.
        histories = [history for history in self.histories(reference) if history.columns or "seed" in history.config]
        if not histories:
            raise UsageError(f"'{reference.text}': no run was found there")
        self._check_metric(metric, histories, reference)
        runs = tuple(history.run(metric, self.metric.step) for history in histories)
        run_set = RunSet(reference.text, runs, _common_provenance(histories))
        return run_set.select(reference.env_ids, reference.seeds)

    def _check_metric(self, metric: str, histories: list[RunHistory], reference: Reference) -> None:
        if all(history.state != "finished" for history in histories):
            return  # runs that failed before they logged the metric say nothing about its name
        logged = {key for history in histories for key in history.columns}
        for key in (metric, self.metric.step):
            if logged and key not in logged:
                names = ", ".join(sorted(name for name in logged if not name.startswith("_")))
                raise UsageError(
                    f"'{reference.text}': no run logged '{key}'{did_you_mean(key, logged)}; they logged: {names}; "
                    "name the metric in the benchmark's [metric] or with --metric"
                )


def _matches(history: RunHistory, reference: Reference) -> bool:
    """Do the filters hold? `tag` and `group` are the run's own, every other key is one of its config."""
    for key, allowed in reference.other_filters().items():
        values = {"tag": history.tags, "group": (history.group,)}.get(key, (history.config.get(key),))
        if not any(str(value) in allowed for value in values):
            return False
    return True


def _common_provenance(histories: list[RunHistory]) -> dict[str, object]:
    """What every run of the set says alike; per-run facts are left out."""
    first, *others = [dict(history.provenance) for history in histories]
    return {
        key: value
        for key, value in first.items()
        if key not in {"command", "folder", "exit_code"} and all(other.get(key) == value for other in others)
    }
