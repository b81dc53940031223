"""From a reference to its run set."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rlops.curves.filters import passes, setting
from rlops.curves.history import RunHistory
from rlops.curves.learning_curve import RunSet
from rlops.curves.references import Reference, metric_name, step_name
from rlops.curves.sources.cells import Cells
from rlops.curves.sources.formats import LOG_FORMATS, format_of
from rlops.curves.sources.logs import LogFiles
from rlops.curves.sources.path_pattern import PathPattern
from rlops.curves.sources.source import pull
from rlops.curves.sources.stored import StoredRuns
from rlops.curves.sources.wandb_api import WandbProject
from rlops.curves.sources.wandb_files import WandbFiles
from rlops.curves.store import Store
from rlops.errors import UsageError
from rlops.plan import Metric, did_you_mean

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Loader:
    """Brings the runs of references into `store` and reads the curves of `metric` from them.

    `offline`: W&B is not asked, what the store has must do.
    """

    store: Store
    metric: Metric = Metric()
    progress: Progress = lambda _done, _all: None
    offline: bool = False

    def histories(self, reference: Reference) -> list[RunHistory]:
        """All runs of a reference that has histories (wandb:, dir:), pulled where the store has not got them."""
        if reference.kind == "wandb":
            source = StoredRuns(reference, self.store) if self.offline else WandbProject(reference)
            return pull(source, self.store, self.progress)
        if reference.kind != "dir":
            raise UsageError(f"'{reference.text}': nothing to pull; wandb: and dir: references have histories")
        folder = Path(reference.target)
        if not folder.is_dir():
            raise UsageError(f"'{reference.text}': there is no folder {folder}")
        histories, filters = self._in_folder(folder, reference), reference.other_filters()
        return [history for history in histories if passes(history.labels, history.state, filters)]

    def _in_folder(self, folder: Path, reference: Reference) -> list[RunHistory]:
        step = step_name(reference, self.metric.step)
        format_ = format_of(folder, reference.one("format", "") or None)
        pattern = PathPattern.parse(reference.one("path", "")) if "path" in reference.filters else None
        if format_ in LOG_FORMATS:
            logs = LogFiles(folder, LOG_FORMATS[format_], pattern)
            keys = reference.keys.env_id, reference.keys.seed
            return logs.named(pull(logs, self.store, self.progress), keys)
        if pattern is not None:
            raise UsageError(f"'{reference.text}': {format_} logs say themselves whose they are; leave path= out")
        if format_ == "cells":
            cells = Cells(folder, step, reference.env_ids, reference.seeds)
            return cells.settled(pull(cells, self.store, self.progress))
        return pull(WandbFiles(folder, step), self.store, self.progress)

    def runs(self, reference: Reference) -> RunSet:
        """The run set of a wandb:, dir: or file: reference. Raises UsageError when it is empty."""
        if reference.kind == "file":
            from rlops.curves.sources.table import read_table  # imports pandas, which takes long

            return read_table(reference, self.metric.name)
        metric, step = metric_name(reference, self.metric.name), step_name(reference, self.metric.step)
        # A process that was killed at birth leaves a run that says nothing, not even whose it is.
        said = reference.keys.seed
        histories = [one for one in self.histories(reference) if one.columns or setting(one.config, said) is not None]
        if not histories:
            raise UsageError(f"'{reference.text}': no run was found there")
        self._check_metric((metric, step), histories, reference)
        runs = tuple(history.run(metric, step, reference.keys) for history in histories)
        run_set = RunSet(reference.label, runs, _common_provenance(histories))
        return run_set.select(reference.env_ids, reference.seeds)

    def _check_metric(self, names: tuple[str, str], histories: list[RunHistory], reference: Reference) -> None:
        if all(history.state != "finished" for history in histories):
            return  # runs that failed before they logged the metric say nothing about its name
        logged = {key for history in histories for key in history.columns}
        for key in names:
            if logged and key not in logged:
                shown = ", ".join(sorted(name for name in logged if not name.startswith("_")))
                raise UsageError(
                    f"'{reference.text}': no run logged '{key}'{did_you_mean(key, logged)}; they logged: {shown}; "
                    "name the metric in the benchmark's [metric] or with --metric"
                )


def _common_provenance(histories: list[RunHistory]) -> dict[str, object]:
    """What every run of the set says alike; per-run facts are left out."""
    first, *others = [dict(history.provenance) for history in histories]
    return {
        key: value
        for key, value in first.items()
        if key not in {"command", "folder", "exit_code"} and all(other.get(key) == value for other in others)
    }
