"""Curves that other people made: a long table with a row a point, CSV or parquet."""

from pathlib import Path

import pandas as pd

from rlops.curves.learning_curve import LearningCurve, Run, RunSet
from rlops.curves.references import TABLE_METRIC, Reference, metric_name
from rlops.errors import UsageError
from rlops.plan import did_you_mean

STEP = "global_step"


SHOWN = 8
"""How many values an error shows (arbitrary)."""
LABEL_SHARE = 0.5
"""A column with more distinct values than this share of a run's rows is a logged value, not a label (arbitrary)."""


def read_table(reference: Reference, metric: str = TABLE_METRIC) -> RunSet:
    """The run set in `file:PATH?...`: columns env_id, seed, global_step and the metric; other columns filter.

    A blank metric is NaN (before a run's first number it does not count). Raises UsageError for a file that cannot be
    read, for columns that are missing or hold no numbers, and where a filter leaves nothing or two runs under one seed.
    """
    metric = metric_name(reference, metric)
    table = _filtered(_read(Path(reference.target), reference), reference)
    for column in (metric, STEP, "env_id", "seed"):
        if column not in table:
            there = f"it has: {', '.join(map(str, table.columns))}{did_you_mean(column, table.columns)}"
            hint = "; name another with &metric=" if column == metric else ""
            raise UsageError(f"{reference.text}: the table has no column '{column}'; {there}{hint}")
    _refuse_blanks(table, reference)
    table = table.assign(**{column: _numbers(table, column, reference) for column in (metric, STEP)})
    _refuse_mixed_runs(table, reference, metric)
    runs = [
        _run(str(env_id), seed, rows, metric, reference)
        for (env_id, seed), rows in table.groupby(["env_id", "seed"], sort=False)
    ]
    return RunSet(reference.text, tuple(runs))


def _read(path: Path, reference: Reference) -> pd.DataFrame:
    if not path.is_file():
        raise UsageError(f"{reference.text}: there is no file {path}")
    try:
        return pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)
    except ImportError:
        raise UsageError(f"{path}: reading parquet needs pyarrow: pip install 'rlops[parquet]'") from None
    except (ValueError, OSError) as error:
        raise UsageError(f"{path}: is not a table that can be read: {error}") from None


def _filtered(table: pd.DataFrame, reference: Reference) -> pd.DataFrame:
    filters = {**reference.other_filters()}
    if reference.env_ids is not None:
        filters["env_id"] = tuple(reference.env_ids)
    for key, allowed in filters.items():
        if key not in table:
            raise UsageError(f"{reference.text}: the table has no column '{key}'{did_you_mean(key, table.columns)}")
        there = table[key].astype(str)
        table = table[there.isin(allowed)]
        if table.empty:
            known = sorted(there.unique())
            shown = ", ".join(known[:SHOWN]) + (", ..." if len(known) > SHOWN else "")
            raise UsageError(f"{reference.text}: no row is left by {key}={','.join(allowed)}; it takes: {shown}")
    if reference.seeds is not None and "seed" in table:
        table = table[table["seed"].isin(reference.seeds)]
    if table.empty:
        raise UsageError(f"{reference.text}: no row is left by the filters")
    return table


def _refuse_blanks(table: pd.DataFrame, reference: Reference) -> None:
    for column in ("env_id", "seed", STEP):
        blank = int(table[column].isna().sum())
        if blank:
            raise UsageError(f"{reference.text}: {blank} rows have no {column}: whose points they are cannot be told")


def _numbers(table: pd.DataFrame, column: str, reference: Reference) -> "pd.Series[float]":
    numbers = pd.to_numeric(table[column], errors="coerce")
    wrong = table[numbers.isna() & table[column].notna()]
    if len(wrong):
        row = wrong.iloc[0]
        where = f"{row['env_id']}, seed {row['seed']}"
        raise UsageError(f"{reference.text}: {column} is {row[column]!r} in {len(wrong)} rows ({where}), not a number")
    return numbers


def _refuse_mixed_runs(table: pd.DataFrame, reference: Reference, metric: str) -> None:
    """Two algorithms under one seed would be averaged into a curve that nobody trained."""
    labels = [column for column in table.columns if column not in {metric, STEP, "env_id", "seed"}]
    if not labels:
        return
    runs = table.groupby(["env_id", "seed"])
    distinct, rows = runs[labels].nunique(), runs.size()
    for column in labels:
        # A label takes few values; what differs from row to row (a loss, a time stamp) is another logged value.
        if ((distinct[column] > 1) & (distinct[column] <= rows * LABEL_SHARE)).any():
            values = ", ".join(sorted(map(str, table[column].unique()))[:8])
            raise UsageError(
                f"{reference.text}: one seed of one environment holds several runs that differ in '{column}' "
                f"({values}); add &{column}=... to choose"
            )


def _run(env_id: str, seed: object, rows: pd.DataFrame, metric: str, reference: Reference) -> Run:
    if not str(seed).removesuffix(".0").isdigit():
        raise UsageError(f"{reference.text}: seed {seed!r} of {env_id} is not a whole number")
    curve = LearningCurve.from_points(rows[STEP].to_numpy(), rows[metric].to_numpy()).from_first_number()
    return Run(env_id, int(float(str(seed))), curve, curve.sha256(), source=reference.text)
