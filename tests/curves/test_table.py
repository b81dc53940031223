"""Tables that other people made."""

import pandas as pd
import pytest

from rlops.curves import parse_reference
from rlops.curves.sources.table import read_table
from rlops.errors import UsageError

ROWS = [
    {"algo": algo, "env_id": env_id, "seed": seed, "global_step": step, "episodic_return": step * (1 + seed)}
    for algo in ("PPO", "A2C")
    for env_id in ("Hopper-v3", "ALE/Pong-v5")
    for seed in (0, 1, 2)
    for step in (300, 100, 200)
]


@pytest.fixture(params=["csv", "parquet"])
def table(request, tmp_path):
    path = tmp_path / f"curves.{request.param}"
    frame = pd.DataFrame(ROWS)
    frame.to_csv(path, index=False) if request.param == "csv" else frame.to_parquet(path)
    return path


def read(text):
    return read_table(parse_reference(text))


def test_runs_curves_and_filters(table):
    runs = read(f"file:{table}?algo=PPO&seed=1-2&env_id=ALE%2FPong-v5")
    assert [(run.env_id, run.seed) for run in runs.runs] == [("ALE/Pong-v5", 1), ("ALE/Pong-v5", 2)]
    assert runs.runs[0].curve.steps.tolist() == [100, 200, 300]
    assert runs.runs[0].curve.values.tolist() == [200.0, 400.0, 600.0]


def test_two_algorithms_under_one_seed_are_never_mixed(table):
    with pytest.raises(UsageError, match=r"differ in 'algo' \(A2C, PPO\); add &algo="):
        read(f"file:{table}")


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("?algo=TRPO", "no row is left"),
        ("?alg=PPO", "no column 'alg'; did you mean algo"),
        ("?algo=PPO&metric=return", "no column 'return'.*name another with &metric="),
    ],
)
def test_wrong_questions(table, query, says):
    with pytest.raises(UsageError, match=says):
        read(f"file:{table}{query}")


def test_a_metric_of_another_name(tmp_path):
    frame = pd.DataFrame(ROWS).query("algo == 'PPO'").rename(columns={"episodic_return": "success"})
    frame.to_csv(tmp_path / "t.csv", index=False)
    assert len(read(f"file:{tmp_path}/t.csv?metric=success").runs) == 6


def test_a_blank_metric_is_nan_once_the_curve_has_begun(tmp_path):
    head = "env_id,seed,global_step,episodic_return\n"
    (tmp_path / "t.csv").write_text(head + "A,0,1,\nA,0,2,1.0\nA,0,3,\nA,0,4,3.0\n")
    curve = read(f"file:{tmp_path}/t.csv").runs[0].curve
    assert curve.steps.tolist() == [2, 3, 4]
    assert pd.isna(curve.values[1])


@pytest.mark.parametrize(
    ("row", "says"),
    [
        (",0,1,1.0", "1 rows have no env_id"),
        ("A,,1,1.0", "1 rows have no seed"),
        ("A,0,,1.0", "1 rows have no global_step"),
        ("A,0,1,oops", "episodic_return is 'oops' in 1 rows"),
        ("A,0,x,1.0", "global_step is 'x' in 1 rows"),
        ('A,0,1,"3,30"', "episodic_return is '3,30'"),
    ],
)
def test_rows_that_cannot_be_read_are_refused(tmp_path, row, says):
    (tmp_path / "t.csv").write_text(f"env_id,seed,global_step,episodic_return\nA,0,2,1.0\n{row}\n")
    with pytest.raises(UsageError, match=says):
        read(f"file:{tmp_path}/t.csv")


def test_a_sweep_of_numbers_under_one_seed_is_never_mixed(tmp_path):
    rows = [(lr, step, step * lr) for lr in (1e-3, 1e-2) for step in range(100, 1100, 100)]
    frame = pd.DataFrame(rows, columns=["lr", "global_step", "episodic_return"]).assign(env_id="A", seed=0)
    frame.to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(UsageError, match="differ in 'lr'"):
        read(f"file:{tmp_path}/t.csv")
    assert len(read(f"file:{tmp_path}/t.csv?lr=0.01").runs) == 1


def test_other_logged_values_are_no_labels(tmp_path):
    frame = pd.DataFrame({"global_step": range(100, 1100, 100)}).assign(env_id="A", seed=0, episodic_return=1.0)
    frame.assign(loss=frame.global_step / 7).to_csv(tmp_path / "t.csv", index=False)
    assert len(read(f"file:{tmp_path}/t.csv").runs) == 1


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "there is no file"),
        ("", "not a table"),
        ("env_id,seed,global_step,episodic_return\nA,x,1,1\n", "not a whole number"),
    ],
)
def test_files_that_are_no_tables(tmp_path, content, says):
    path = tmp_path / "t.csv"
    if content is not None:
        path.write_text(content)
    with pytest.raises(UsageError, match=says):
        read(f"file:{path}")


@pytest.mark.parametrize(
    ("name", "column", "repeated"),
    [("tdmpc2/dog-run", "reward", False), ("tdmpc2/mw-assembly", "success", False), ("tdmpc/dog-run", "reward", True)],
)
def test_tables_of_one_environment_need_a_column_more(real_data, tmp_path, name, column, repeated):
    """TD-MPC2's own tables, as docs/sources.md completes them."""
    original = real_data / "raw_samples/tdmpc2" / f"{name}.csv"
    with pytest.raises(UsageError, match=f"the table has no column 'global_step'; it has: step, {column}, seed"):
        read(f"file:{original}?metric={column}")
    frame = pd.read_csv(original)
    path = tmp_path / "curves.csv"
    frame.rename(columns={"step": "global_step"}).assign(env_id=name).to_csv(path, index=False)
    found = read(f"file:{path}?metric={column}").runs
    assert [run.seed for run in found] == frame.seed.unique().tolist()
    assert any(run.curve.repeated_steps for run in found) == repeated
    for run in found:
        rows = frame[frame.seed == run.seed].sort_values("step", kind="stable")
        assert run.curve.steps.tolist() == rows.step.tolist()
        assert run.curve.values.tolist() == rows[column].tolist()
