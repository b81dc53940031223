"""Finds the training command of a repository in its sources: what `rlops init` writes down. Nothing is run."""

from rlops.plan.discover.draft import draft
from rlops.plan.discover.options import CHANGE_ME
from rlops.plan.discover.search import Search, find_trainers, python_module, trainer_at, trainer_of
from rlops.plan.discover.trainer import Trainer

__all__ = ["CHANGE_ME", "Search", "Trainer", "draft", "find_trainers", "python_module", "trainer_at", "trainer_of"]
