"""Benchmark files: what is read, and what is said about wrong ones (the gold files hold whole messages)."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlops.errors import UsageError
from rlops.plan import Benchmark, find_benchmark, read_benchmark, read_rules

ROOT = Path(__file__).resolve().parents[2]
GOLD = ROOT / "tests" / "gold" / "plan"

VALID = """\
environments = ["CartPole-v1", "Acrobot-v1"]
budget = 1000
code = ["train.py"]
command = ["{python}", "train.py", "{env_id}", "{seed}", "{budget}"]
"""

WRONG = {
    "typing_errors": """\
# a comment with budget = 5
descriptoin = "x"
environments = "CartPole-v1"
budget = 10
code = ["a"]
command = ["{python}", "{env_id}", "{seed}"]
wandb_mode = "online"

[seeds]
baseline = "1-20"
candidat = "101-105"

[metric]
direction = "up"

[resources]
cores = 0
minutes = "long"

[policy]
alpha = 5
inconclusive = 2
""",
    "all_at_once": """\
name = "other"
command = ["{python}", "{env}", "{sed}", "{seed}", "{seeds}"]
environments = ["CartPole-v1", "Acrobot-v1", "CartPole-v1"]
budget = 1_000

[seeds]
baseline = "1-5,3"
candidate = [4, 4]
""",
    "in_one_line": """\
environments = ["CartPole-v1"]
budget = 1000
code = ["train.py"]
command = ["{python}", "{env_id}", "{seed}"]
seeds = {baseline = "1-20", candidate = "5-1"}
metric.direction = "up"
"unknown" = 1
""",
    "command_without_placeholders": """\
environments = ["CartPole-v1"]
budget = 1000
code = ["train.py"]
command = ["python", "train.py"]
""",
    "seed_and_seeds": """\
environments = ["CartPole-v1"]
budget = 1000
code = ["train.py"]
command = ["{python}", "{env_id}", "{seed}", "{seeds}"]
""",
    "empty": "",
}


def write(folder: Path, text: str, name: str = "wrong") -> Path:
    path = folder / f"{name}.toml"
    path.write_text(text, encoding="utf-8")
    return path


def complaint(path: Path) -> str:
    with pytest.raises(UsageError) as error:
        read_benchmark(path)
    return str(error.value)


def compare_with_gold(name: str, text: str) -> None:
    gold = GOLD / f"{name}.txt"
    if "RLOPS_RENEW_GOLD" in os.environ:
        gold.parent.mkdir(parents=True, exist_ok=True)
        gold.write_text(text + "\n", encoding="utf-8")
    assert text + "\n" == gold.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", sorted((ROOT / "benchmarks").glob("*.toml")), ids=lambda path: path.stem)
def test_shipped_benchmarks_are_valid(path: Path) -> None:
    benchmark = read_benchmark(path)
    assert benchmark.name == path.stem
    assert all((ROOT / item).exists() for item in benchmark.code)
    assert not set(benchmark.seeds.baseline) & set(benchmark.seeds.candidate)


def test_the_quick_benchmark_says_what_it_trains() -> None:
    quick = read_benchmark(ROOT / "benchmarks" / "quick.toml")
    assert (quick.environments, quick.budget, quick.baseline) == (("CartPole-v1", "Acrobot-v1"), 100_000, "quick")
    assert quick.many_seeds_a_process
    assert quick.seeds.baseline == tuple(range(1, 21))
    assert quick.argv("Acrobot-v1", (101, 102, 103), "python3")[:9] == (
        "python3", "-m", "ppo_impl", "--env-id", "Acrobot-v1", "--seeds", "101-103", "--total-timesteps", "100000",
    )  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_all_errors_of_a_file_at_once_each_with_its_line(name: str, tmp_path: Path) -> None:
    compare_with_gold(name, complaint(write(tmp_path, WRONG[name])).replace(f"{tmp_path}{os.sep}", ""))


def test_every_error_line_names_the_file_and_a_line_of_it(tmp_path: Path) -> None:
    for text in WRONG.values():
        path = write(tmp_path, text)
        for line in complaint(path).splitlines():
            number, _, rest = line.removeprefix(f"{path}:").partition(": ")
            assert 1 <= int(number) <= max(1, len(text.splitlines())), line
            assert rest, line


def test_a_benchmark_is_named_by_its_file(tmp_path: Path) -> None:
    path = write(tmp_path, VALID + 'name = "quick"\n', "mine")
    assert complaint(path) == f"{path}:5: name: a benchmark is named by its file; remove this line or rename the file"
    assert read_benchmark(write(tmp_path, VALID, "mine")).name == "mine"


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (VALID + "budget = 5\n", r"line 5"),
        (VALID + "[seeds\n", r"line 5"),
        (VALID + "x = \n", r"line 5"),
    ],
)
def test_what_is_no_toml_is_said_with_its_line(text: str, what: str, tmp_path: Path) -> None:
    path = write(tmp_path, text)
    found = complaint(path)
    assert found.startswith(f"{path}: is not valid TOML: ")
    assert what in found


def test_a_file_in_another_encoding_is_no_bug(tmp_path: Path) -> None:
    path = tmp_path / "latin.toml"
    path.write_bytes("description = 'é'\n".encode("latin-1"))
    assert complaint(path).startswith(f"{path}: is not valid TOML: ")


def test_a_folder_is_no_bug(tmp_path: Path) -> None:
    (tmp_path / "x.toml").mkdir()
    assert complaint(tmp_path / "x.toml") == f"{tmp_path / 'x.toml'}: cannot be read: Is a directory"


class TestFinding:
    def test_by_name_and_by_path(self, tmp_path: Path) -> None:
        (tmp_path / "benchmarks").mkdir()
        path = write(tmp_path / "benchmarks", VALID, "quick")
        assert find_benchmark("quick", tmp_path) == path
        assert find_benchmark(str(path), Path("/nowhere")) == path

    def test_a_missing_one_is_answered_with_the_known_ones(self, tmp_path: Path) -> None:
        (tmp_path / "benchmarks").mkdir()
        for name in ("quick", "atari"):
            write(tmp_path / "benchmarks", VALID, name)
        with pytest.raises(UsageError) as error:
            find_benchmark("quik", tmp_path)
        assert str(error.value) == (
            f"no benchmark at {tmp_path / 'benchmarks' / 'quik.toml'}; benchmarks/ has: atari, quick; "
            "did you mean quick?"
        )

    def test_where_there_is_none_at_all(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match=r"there is no file in benchmarks/$"):
            find_benchmark("quick", tmp_path)


class TestCommand:
    """Placeholders are filled argument by argument; nothing ever sees a shell."""

    NASTY = ("a b", "it's", '"', "$(touch hacked)", "`id`", "{seed}", "{{env_id}}", "a;b|c&d", "\\", "*", "-x", "\n")

    def benchmark(self, *command: str) -> Benchmark:
        return Benchmark.model_validate(
            {"name": "b", "code": ["."], "environments": ["E"], "budget": 100, "command": command}
        )

    @given(env_id=st.one_of(st.text(min_size=1), st.sampled_from(NASTY)), seed=st.integers(0, 10**6))
    def test_an_environment_id_stays_one_argument_as_it_is(self, env_id: str, seed: int) -> None:
        benchmark = self.benchmark("{python}", "t.py", "{env_id}", "--env={env_id}:{seed}", "{seed}", "{budget}")
        assert benchmark.argv(env_id, (seed,), "/x y/python") == (
            "/x y/python", "t.py", env_id, f"--env={env_id}:{seed}", str(seed), "100",
        )  # fmt: skip

    def test_many_seeds_are_written_as_people_write_them(self) -> None:
        benchmark = self.benchmark("t", "{env_id}", "{seeds}")
        assert benchmark.argv("E", (3, 1, 2, 9), "") == ("t", "E", "1-3,9")
        assert benchmark.many_seeds_a_process
        assert not self.benchmark("t", "{env_id}", "{seed}").many_seeds_a_process

    def test_other_braces_are_left_alone(self) -> None:
        benchmark = self.benchmark("t", '{"a": {"b": 1}}', "{env_id}", "{seed}")
        assert benchmark.argv("E", (1,), "")[1] == '{"a": {"b": 1}}'


class TestRules:
    def test_a_policy_file(self, tmp_path: Path) -> None:
        rules = read_rules(write(tmp_path, "[policy]\nalpha = 0.01\n[margins]\nspreads = 2\n"))
        assert (rules.policy.alpha, rules.policy.beta, rules.margins.spreads) == (0.01, 0.05, 2.0)

    def test_its_errors_have_lines_too(self, tmp_path: Path) -> None:
        path = write(tmp_path, "[policy]\nalpa = 0.01\n\n[margins]\nspreads = -1\n[seeds]\n")
        with pytest.raises(UsageError) as error:
            read_rules(path)
        assert str(error.value).splitlines() == [
            f"{path}:2: policy.alpa: unknown key; did you mean alpha?",
            f"{path}:5: margins.spreads: Input should be greater than or equal to 0",
            f"{path}:6: seeds: unknown key",
        ]
