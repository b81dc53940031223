"""The tables of what every mutant does, and of what breaking each of the 13 details does."""

from collections.abc import Sequence

from benchmarks.study.figures import Study, row, worst_first
from benchmarks.study.judged import Judged
from benchmarks.study.text import change, table
from rlops.stats import holm

DETAILS = range(1, 14)


def details(study: Study) -> str:
    """Which of the 13 details matter at this budget."""
    broken = [(str(number), one) for number in DETAILS for one in study.harmful if number in row(one).details]
    return _losses_table("detail", broken, study)


def truth(study: Study) -> str:
    """What every mutant does."""
    kinds = (("harmful", study.harmful), ("harmless", study.harmless), ("", study.control))
    return _losses_table("meant to be", [(kind, one) for kind, group in kinds for one in worst_first(group)], study)


def _losses_table(title: str, mutants: Sequence[tuple[str, Judged]], study: Study) -> str:
    """The losses of the end and of the course, bold where Holm finds them among all of the table."""
    losses = {
        (one.mutant, env_id, place): one.losses[env_id][place]
        for _, one in mutants
        for env_id in study.env_ids
        for place in (0, 1)
    }
    certain = holm({key: loss.p for key, loss in losses.items()}, study.data["alpha"])

    def cell(*key: object) -> str:
        told = change(losses[key])  # type: ignore[index]
        return f"**{told}**" if key in certain else told

    head = [title, "mutant", *(f"{what}, {env_id}" for env_id in study.env_ids for what in ("end", "course"))]
    rows = [
        [label, f"`{one.mutant}`", *(cell(one.mutant, env_id, place) for env_id in study.env_ids for place in (0, 1))]
        for label, one in mutants
    ]
    return table(head, rows)
