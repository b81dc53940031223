"""What a trainer logs, and whether Weights & Biases gets to see it."""

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from rlops.plan.discover.source import UNKNOWN, Source, unparsed
from rlops.plan.discover.words import EVALUATION, NOT_THE_TRAINED, RETURNS, STEP_COUNTERS, plain

TENSORBOARD_STEP = "global_step"
"""What wandb calls the step of what it copies from TensorBoard."""
OWN_STEP = "_step"
EVALUATED = 10
"""An evaluation is rarer than training's own episodes, but better than a word that may mean one reward (arbitrary)."""
LOGGING_METHODS = ("log", "add_scalar", "record", "record_mean", "log_scalar")
LOGGERS = ("WandbLogger", "WandbCallback", "WandbLoggerCallback")
MOST_ASSIGNED = 20
"""A name that is set more often is looked at so often (arbitrary)."""
ITS_NAMES = {"wandb", "wb", "weights_and_biases"}
SB3 = re.compile(r"(stable_baselines3|sb3_contrib|sbx)(\.[A-Z]+\w*)?$")
SB3_RETURN = "rollout/ep_rew_mean"


@dataclass(frozen=True)
class Metric:
    """A logged value and the step counter beside it. `why`: where it was seen; `sure` means: there, as it stands."""

    name: str
    step: str
    why: str
    step_why: str
    sure: bool = True
    sure_of_step: bool = True


@dataclass(frozen=True, eq=False)
class _Row:
    """Values logged together. `own_step`: the call names the step itself; `more`: values from elsewhere, too."""

    keys: tuple[str, ...]
    where: str
    to_wandb: bool
    own_step: bool
    more: bool = False


@dataclass(frozen=True, eq=False)
class Logging:
    """The sources of a trainer, asked about what they log."""

    sources: Sequence[Source]

    @cached_property
    def uses_wandb(self) -> bool:
        """Does any of them import wandb, or a logger that does?"""
        origins = [origin for source in self.sources for origin in source.origins.values()]
        return any(o.partition(".")[0] == "wandb" or o.rpartition(".")[2] in LOGGERS for o in origins)

    @cached_property
    def inits(self) -> list[tuple[Source, ast.Call]]:
        """Every call of wandb.init."""
        return [(source, call) for source in self.sources for call in source.called.get("wandb.init", ())]

    @cached_property
    def copies_tensorboard(self) -> bool:
        """Does wandb log what is written for TensorBoard?"""
        given = (keyword for _, call in self.inits for keyword in call.keywords)
        patched = any("wandb.tensorboard.patch" in source.called for source in self.sources)
        return patched or any(item.arg == "sync_tensorboard" and unparsed(item.value) != "False" for item in given)

    @property
    def guards(self) -> set[tuple[str, str]]:
        """(name, value) of what must hold for wandb.init to be called; an empty value: it must be true."""
        found: set[tuple[str, str]] = set()
        for source, init in self.inits:
            branches = [node for node in source.nodes if isinstance(node, ast.If) and init in _below(node.body)]
            modes = [item.value for item in init.keywords if item.arg == "mode"]
            tests = [*(node.test for node in branches), *(mode.test for mode in modes if isinstance(mode, ast.IfExp))]
            found.update(condition for test in tests for condition in _conditions(test))
        return found

    @property
    def overrides(self) -> list[tuple[str, str]]:
        """(where, argument) of what wandb.init is told and rlops has to say: the folder and the mode."""
        return [
            (source.where(call), keyword.arg)
            for source, call in self.inits
            for keyword in call.keywords
            if keyword.arg in {"dir", "mode"} and source.value(keyword.value) is not None
        ]

    def metric(self) -> Metric | None:
        """The value most like an episode's return, as wandb will see it; None where none is logged in plain sight."""
        ranked = [
            (not row.to_wandb, rank, i, j, key)
            for i, row in enumerate(self._rows)
            for j, key in enumerate(row.keys)
            if (rank := _rank(key)) is not None
        ]
        if not ranked:
            return self._sb3() if self._trained_by_sb3 else None
        unseen, _, i, _, key = min(ranked)
        if unseen and self._trained_by_sb3:
            return self._sb3()
        row = self._rows[i]
        step, why, sure = self._step(row)
        return Metric(key, step, row.where, why, sure=row.to_wandb, sure_of_step=sure)

    @property
    def names(self) -> list[str]:
        """All keys that are logged in plain sight."""
        return sorted({key for row in self._rows for key in row.keys})

    @cached_property
    def _rows(self) -> list[_Row]:
        return [
            row
            for source in self.sources
            for method in LOGGING_METHODS
            for call in source.methods.get(method, ())
            for row in self._logged_by(source, method, call)
        ]

    def _logged_by(self, source: Source, method: str, call: ast.Call) -> Iterator[_Row]:
        if not call.args:
            return
        where = source.where(call)
        if method == "log":
            keys = _keys(source, call.args[0])
            first = source.value(call.args[0])
            own_step = any(keyword.arg == "step" for keyword in call.keywords)
            if keys:
                yield _Row(keys, where, self.uses_wandb, own_step, _has_more(source, call.args[0]))
            elif isinstance(first, str) and len(call.args) > 1:
                yield _Row((first,), where, to_wandb=False, own_step=False)
        else:
            key = source.value(call.args[0])
            if isinstance(key, str):
                yield _Row((key,), where, method != "log_scalar" and self.copies_tensorboard, own_step=False)

    def _step(self, row: _Row) -> tuple[str, str, bool]:
        """The step counter of a row, why, and whether that is sure."""
        beside = _counter(row)
        if beside:
            return beside, f"logged in the same row, {row.where}", True
        if self.copies_tensorboard and len(row.keys) == 1 and not row.own_step:
            return TENSORBOARD_STEP, "what wandb calls the steps that it copies from TensorBoard", True
        if row.own_step:
            return OWN_STEP, f"W&B's own counter, which {row.where} sets with step=", True
        adding = next((other for other in self._rows if other.more and other.to_wandb and _counter(other)), None)
        if adding is not None:
            return _counter(adding), f"{adding.where} logs it together with values that it is given", False
        return OWN_STEP, "no step counter is logged beside it; W&B's own one counts calls of log", False

    @property
    def _trained_by_sb3(self) -> bool:
        """Its buffers and wrappers are used by others, too; who imports an algorithm and calls learn() trains by it."""
        origins = [origin for source in self.sources for origin in source.origins.values()]
        return any(map(SB3.match, origins)) and any("learn" in source.methods for source in self.sources)

    def _sb3(self) -> Metric:
        copied = self.copies_tensorboard
        why = "what Stable-Baselines3 logs" + ("" if copied else "; wandb.init needs sync_tensorboard=True to see it")
        step_why = "what wandb calls the steps that it copies from TensorBoard"
        return Metric(SB3_RETURN, TENSORBOARD_STEP, why, step_why, sure=copied, sure_of_step=copied)


def _counter(row: _Row) -> str:
    """The step counter in a row, nothing where there is none."""
    found = (key for name in STEP_COUNTERS for key in row.keys if plain(key.rpartition("/")[2]) == name)
    return next(found, "")


def _has_more(source: Source, node: ast.expr) -> bool:
    """Does a dictionary take in another one that is not written down in the file?"""
    if not isinstance(node, ast.Dict):
        return False
    return any(key is None and not _keys(source, value) for key, value in zip(node.keys, node.values, strict=True))


def _rank(key: str) -> int | None:
    """How much a key looks like the return of the policy that is trained, lower is more."""
    *above, last = key.replace(".", "/").split("/")
    prefixes = {plain(part) for part in above}
    if plain(last) not in RETURNS or prefixes & NOT_THE_TRAINED:
        return None
    return RETURNS.index(plain(last)) + (EVALUATED if prefixes & EVALUATION else 0)


def _keys(source: Source, node: ast.expr, depth: int = 0) -> tuple[str, ...]:
    """The keys of a dictionary that is written down, `**others` and names that the file sets to one included."""
    if depth > 3:
        return ()
    if isinstance(node, ast.Dict):
        found: list[str] = []
        for key, value in zip(node.keys, node.values, strict=True):
            plain_key = source.value(key) if key is not None else UNKNOWN
            found += (
                _keys(source, value, depth + 1) if key is None else [plain_key] if isinstance(plain_key, str) else []
            )
        return tuple(found)
    if isinstance(node, ast.Call) and unparsed(node.func) == "dict":
        return tuple(keyword.arg for keyword in node.keywords if keyword.arg)
    if isinstance(node, ast.Name):
        return tuple(dict.fromkeys(_set_in(source, node.id, depth)))
    return ()


def _set_in(source: Source, name: str, depth: int) -> Iterator[str]:
    """Keys of the dictionaries that the file assigns to `name`, and of `name["key"] = ...`."""
    for value in source.assigned.get(name, ())[:MOST_ASSIGNED]:
        yield from _keys(source, value, depth + 1)
    for key in map(source.value, source.items_set.get(name, ())):
        if isinstance(key, str):
            yield key


def _below(body: Sequence[ast.stmt]) -> set[ast.AST]:
    return {node for statement in body for node in ast.walk(statement)}


def _conditions(test: ast.expr) -> Iterator[tuple[str, str]]:
    """`args.track and args.logger == "wandb"` -> (track, ), (logger, wandb)."""
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And):
        for part in test.values:
            yield from _conditions(part)
    elif isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], ast.Eq):
        right = test.comparators[0]
        if isinstance(right, ast.Constant) and plain(str(right.value)) in ITS_NAMES:
            yield _last_name(test.left), str(right.value)
    elif isinstance(test, ast.Attribute | ast.Name | ast.Subscript):
        yield _last_name(test), ""


def _last_name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return plain(node.attr)
    if isinstance(node, ast.Subscript):
        return plain(str(node.slice.value)) if isinstance(node.slice, ast.Constant) else ""
    return plain(node.id) if isinstance(node, ast.Name) else ""
