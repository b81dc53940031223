"""Runs that were pulled before, without asking anybody: `--offline`."""

from collections.abc import Sequence
from dataclasses import dataclass

from rlops.curves.filters import Labels, passes
from rlops.curves.history import RunHistory
from rlops.curves.references import Reference
from rlops.curves.sources.source import Listing
from rlops.curves.store import Store
from rlops.errors import UsageError


@dataclass(frozen=True)
class StoredRuns:
    """The runs of a `wandb:` reference that the store has, as they were when they were pulled."""

    reference: Reference
    store: Store

    def list_runs(self) -> Sequence[Listing]:
        """Those that pass the filters. Raises UsageError where nothing of the project was ever pulled."""
        project = self.store.known(f"{self.reference.kind}:{self.reference.target}/runs/")
        if not project:
            raise UsageError(
                f"'{self.reference.text}': nothing of {self.reference.target} is in the store {self.store.folder}; "
                "without --offline it is pulled"
            )
        filters = self.reference.run_filters()
        return [
            Listing(meta["identity"], meta["version"])
            for meta in project
            if passes(
                Labels(meta["config"], tuple(meta["tags"]), meta["group"], meta.get("user")), meta["state"], filters
            )
        ]

    def fetch(self, listing: Listing) -> RunHistory:
        """Nothing is fetched: what is listed is stored, unless somebody removes it meanwhile."""
        raise UsageError(f"{listing.identity}: was removed from the store {self.store.folder} just now; pull it again")
