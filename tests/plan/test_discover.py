"""The search for the training command: what it finds, and what it cannot know it does not claim."""

import ast
import os
import shutil
import subprocess
import tomllib
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlops.errors import UsageError
from rlops.plan.discover import Trainer, draft, find_trainers, imports, python_module, trainer_at, trainer_of
from rlops.plan.discover.logged import Metric
from rlops.plan.discover.options import as_steps
from rlops.plan.discover.source import UNKNOWN, Source
from rlops.plan.discover.sources import MOST_BYTES, Sources
from rlops.plan.discover.trainer import Part
from tests.plan.repositories import STYLES, build
from tests.plan.training_scripts import CLI, find


class TestSearch:
    def test_trainers_before_what_only_looks_like_one(self, tmp_path: Path) -> None:
        text = CLI.format(imports="import wandb")
        names = ["a_eval.py", "plot_runs.py", "sac.py", "tools/enjoy.py", "train.py", "zoo/run.py"]
        for name in names:
            find(tmp_path, {name: text})
        search = find_trainers(tmp_path)
        assert [trainer.script for trainer in search.trainers[:3]] == ["train.py", "zoo/run.py", "sac.py"]
        assert search.others == ()
        assert search.looked_at == len(names)

    def test_equals_are_all_named(self, tmp_path: Path) -> None:
        for name in ("ppo.py", "dqn.py", "deep/sac.py"):
            find(tmp_path, {name: CLI.format(imports="")})
        search = find_trainers(tmp_path)
        assert [trainer.script for trainer in search.trainers] == ["dqn.py", "ppo.py", "deep/sac.py"]
        assert [trainer.script for trainer in search.others] == ["ppo.py", "deep/sac.py"]

    def test_what_is_lacking_is_said(self, tmp_path: Path) -> None:
        for name, gone in (("no_env.py", "--env"), ("no_seed.py", "--seed")):
            (tmp_path / name).write_text(CLI.format(imports="").replace(f'"{gone}"', '"--other"'))
        (tmp_path / "nothing.py").write_text("import torch\nif __name__ == '__main__':\n    pass\n")
        (tmp_path / "tool.py").write_text("import argparse\nif __name__ == '__main__':\n    pass\n")
        (tmp_path / "library.py").write_text(CLI.format(imports="").partition("if __name__")[0])
        search = find_trainers(tmp_path)
        assert search.trainers == ()
        assert search.lacking == (
            ("no_env.py", "has --seed, but no option for the environment"),
            ("no_seed.py", "has --env, but no option for the seed"),
            ("nothing.py", "has no option for the environment and none for the seed"),
        )

    @pytest.mark.parametrize("imports", ["import gym", "import gymnasium", "import torch", "import wandb"])
    def test_whatever_plays_learns_or_logs_is_near(self, imports: str, tmp_path: Path) -> None:
        text = CLI.format(imports=imports).replace("import torch\n", "", 1).replace('"--env"', '"--other"')
        (tmp_path / "train.py").write_text(text)
        assert [script for script, _ in find_trainers(tmp_path).lacking] == ["train.py"]
        (tmp_path / "train.py").write_text(text.replace('"--other"', '"--env"'))
        assert [trainer.script for trainer in find_trainers(tmp_path).trainers] == ["train.py"]

    def test_a_script_of_the_standard_library_may_train_if_it_says_for_how_long(self, tmp_path: Path) -> None:
        text = CLI.format(imports="").replace("import torch\n", "")
        steps = "    parser.add_argument('--total-steps')\n    parser.parse"
        (tmp_path / "tool.py").write_text(text.replace("    parser.parse", steps))
        assert len(find_trainers(tmp_path).trainers) == 1

    def test_what_does_none_of_it_is_not(self, tmp_path: Path) -> None:
        text = CLI.format(imports="").replace("import torch\n", "")
        (tmp_path / "tool.py").write_text(text)
        search = find_trainers(tmp_path)
        assert (search.trainers, search.lacking) == ((), ())

    def test_a_library_is_not_followed_to_its_end(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(imports, "MOST_FOLLOWED", 3)
        files = {f"m{i}.py": f"import m{i + 1}\n" for i in range(9)}
        trainer = find(tmp_path, {"train.py": CLI.format(imports="import m0"), **files})
        assert trainer.code == ("train.py", "m0.py", "m1.py")

    def test_tests_and_tools_are_passed_over(self, tmp_path: Path) -> None:
        text = CLI.format(imports="")
        names = ["tests/train.py", "test_train.py", "train_test.py", "docs/train.py", "setup.py", "conftest.py"]
        for name in (*names, ".venv/lib/train.py", ".rlops/train.py", "env/train.py", "__pycache__/train.py"):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
        (tmp_path / "env" / "pyvenv.cfg").touch()
        assert find_trainers(tmp_path).looked_at == 0

    def test_what_git_ignores_is_passed_over(self, tmp_path: Path) -> None:
        build(tmp_path, {"train.py": CLI.format(imports=""), "old/train.py": CLI.format(imports="")})
        assert [trainer.script for trainer in find_trainers(tmp_path).trainers] == ["train.py", "old/train.py"]
        (tmp_path / ".gitignore").write_text("old/\n")
        assert [trainer.script for trainer in find_trainers(tmp_path).trainers] == ["train.py"]
        assert [trainer.script for trainer in find_trainers(tmp_path / "old").trainers] == ["train.py"]

    def test_old_scripts_do_not_ask_who_they_are(self, tmp_path: Path) -> None:
        text = (
            "import argparse, torch\np = argparse.ArgumentParser()\np.add_argument('--env')\np.add_argument('--seed')\n"
        )
        assert find(tmp_path, {"train.py": f"{text}args = p.parse_args()\n"}).command[1] == "train.py"
        (tmp_path / "train.py").write_text(text)
        assert find_trainers(tmp_path).trainers == ()

    def test_options_of_an_imported_files_own_program_do_not_count(self, tmp_path: Path) -> None:
        helper = "import argparse\nif __name__ == '__main__':\n    p = argparse.ArgumentParser()\n"
        helper += "    p.add_argument('--env-id')\n"
        assert "--env-id" not in find(tmp_path, {"train.py": CLI.format(imports="import h"), "h.py": helper}).command

    def test_seeds_may_be_a_list_or_a_number(self, tmp_path: Path) -> None:
        text = CLI.format(imports="")
        listed = find(tmp_path, {"train.py": text.replace('"--seed"', '"--seeds"')})
        assert listed.command[-2:] == ("--seeds", "{seeds}")
        assert listed.parts[-1].why.startswith("GUESS")
        (tmp_path / "train.py").write_text(text.replace('"--seed"', '"--seeds", type=int, default=5'))
        assert find_trainers(tmp_path).lacking == (("train.py", "has --env, but no option for the seed"),)


class TestOneScript:
    def test_a_named_one(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        build(tmp_path, STYLES["argparse"])
        assert trainer_at(tmp_path, "enjoy.py").script == "enjoy.py"
        assert trainer_at(tmp_path, str(tmp_path / "enjoy.py")).script == "enjoy.py"
        assert trainer_at(tmp_path, "./enjoy.py").script == "enjoy.py"

    @pytest.mark.parametrize(
        ("script", "said"),
        [
            ("ppo2.py", "ppo2.py is no Python file that can be read below {root}; did you mean ppo.py?"),
            ("requirements.txt", "requirements.txt is no Python file"),
            ("../other.py", "is no Python file that can be read below"),
            ("setup.py", "setup.py has no option for the environment and none for the seed; say how it is started"),
        ],
    )
    def test_one_that_will_not_do(self, script: str, said: str, tmp_path: Path) -> None:
        build(tmp_path, STYLES["argparse"])
        with pytest.raises(UsageError) as error:
            trainer_at(tmp_path, script)
        assert said.format(root=tmp_path) in str(error.value)


class TestOneCommand:
    @pytest.mark.parametrize(
        "command",
        [
            ["python", "ppo.py", "{env_id}", "--seed", "{seed}"],
            ["python3", "-u", "ppo.py", "-s", "{seed}", "--gym-id={env_id}"],
            ["uv", "run", "python", "ppo.py", "{env_id}", "{seed}"],
            ["python", "-m", "ppo", "--env", "{env_id}", "--seed", "{seed}"],
        ],
        ids=" ".join,
    )
    def test_the_script_in_it_is_read(self, command: list[str], tmp_path: Path) -> None:
        build(tmp_path, STYLES["argparse"])
        trainer = trainer_of(tmp_path, command)
        first = "uv" if command[0] == "uv" else "{python}"
        assert trainer.command == (first, *command[1:])
        assert (trainer.code, trainer.environments, trainer.budget) == (
            ("ppo.py", "requirements.txt"), ("Hopper-v4",), 250_000,
        )  # fmt: skip
        assert trainer.metric is not None

    def test_a_script_without_options(self, tmp_path: Path) -> None:
        (tmp_path / "plain.py").write_text("import torch, sys\nenv, seed = sys.argv[1:]\n")
        trainer = trainer_of(tmp_path, ["python", "plain.py", "{env_id}", "{seed}"])
        assert (trainer.code, trainer.packages) == (("plain.py",), ("torch",))
        assert trainer.environments_why.startswith("NOT FOUND: there is no option for it")
        assert trainer.budget_why.startswith("NOT FOUND: there is no option for it")

    def test_a_command_of_which_nothing_is_known(self, tmp_path: Path) -> None:
        trainer = trainer_of(tmp_path, ["make", "train", "ENV={env_id}", "SEED={seed}"])
        assert (trainer.code, trainer.packages, trainer.metric) == ((".",), (), None)
        assert trainer.command[0] == "make"
        assert "NOT FOUND" in draft(trainer)

    @pytest.mark.parametrize(
        ("command", "module"),
        [
            ("python -m a.b --x", "a.b"),
            ("{python} -u -m a.b", "a.b"),
            ("uv run python3.12 -I -m a", "a"),
            ("/usr/bin/python -m a", "a"),
            ("python train.py -m a", None),
            ("make -m a", None),
            ("python -m", None),
            ("python", None),
        ],
    )
    def test_modules(self, command: str, module: str | None) -> None:
        assert python_module(command.split()) == module

    def test_lines_are_grouped_option_by_option(self, tmp_path: Path) -> None:
        command = "python -m x.y go --env {env_id} --track --seed {seed} -v 3 4 last"
        parts = [list(part.arguments) for part in trainer_of(tmp_path, command.split()).parts]
        assert parts == [
            ["{python}", "-m", "x.y", "go"], ["--env", "{env_id}"], ["--track"], ["--seed", "{seed}"], ["-v", "3"],
            ["4"], ["last"],
        ]  # fmt: skip


class TestHostile:
    def test_files_that_are_no_files(self, tmp_path: Path) -> None:
        good = CLI.format(imports="import broken, binary, huge, loop, pipe, nested, deep")
        (tmp_path / "train.py").write_text(good)
        (tmp_path / "broken.py").write_text("import argparse\nif __name__ == '__main__':\n    def (:\n")
        (tmp_path / "binary.py").write_bytes(b"argparse __main__ \x00\xff\xfe" * 100)
        (tmp_path / "latin.py").write_bytes(b"# argparse __main__ \xe9\n")
        (tmp_path / "huge.py").write_text(good + "#" * 5_000_000)
        (tmp_path / "huge_just.py").write_text(good + "#" * (MOST_BYTES + 1 - len(good)))
        (tmp_path / "loop.py").symlink_to("loop.py")
        (tmp_path / "circle").symlink_to(".")
        (tmp_path / "link.py").symlink_to("train.py")
        (tmp_path / "gone.py").symlink_to("nowhere.py")
        os.mkfifo(tmp_path / "pipe.py")
        (tmp_path / "folder.py").mkdir()
        (tmp_path / "nested.py").write_text("# argparse __main__\n" + "(" * 5000)
        (tmp_path / "deep.py").write_text(
            "x = " + "+".join(["1"] * 50_000) + "\nif __name__ == '__main__': pass # argparse\n"
        )
        (tmp_path / "minus.py").write_text("# argparse __main__\nx = " + "-" * 50_000 + "1\n")
        (tmp_path / "brace{x}.py").write_text(good)
        (tmp_path / "new\nline.py").write_text(good)
        (tmp_path / os.fsdecode(b"not-utf8-\xff.py")).write_text(good)
        for git in (False, True):
            if git:
                subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
            search = find_trainers(tmp_path)
            assert [trainer.script for trainer in search.trainers] == ["train.py"]

    def test_a_folder_that_cannot_be_read(self, tmp_path: Path) -> None:
        assert find_trainers(tmp_path / "nowhere").trainers == ()

    def test_names_that_a_comment_or_a_terminal_would_obey(self, tmp_path: Path) -> None:
        text = CLI.format(imports="").replace('"--env"', '"--env", choices=["A\\n[x]\\nb = 1", "\\x1b[31m\\x7f"]')
        (tmp_path / "train.py").write_text(text)
        content = draft(find_trainers(tmp_path).trainers[0])
        assert tomllib.loads(content)["environments"] == ["A\n[x]\nb = 1"]
        assert "\x1b" not in content
        assert "\x7f" not in content


words = st.text(st.characters(codec="utf-8"), min_size=1)
trainers = st.builds(
    Trainer,
    script=words,
    parts=st.lists(st.builds(Part, st.lists(words, min_size=1).map(tuple), words), min_size=1).map(tuple),
    code=st.lists(words, min_size=1).map(tuple),
    packages=st.lists(words).map(tuple),
    environments=st.lists(words, min_size=1).map(tuple),
    environments_why=words,
    budget=st.integers(100, 10**15),
    budget_why=words,
    metric=st.none() | st.builds(Metric, words, words, words, words, st.booleans(), st.booleans()),
    variables=st.just(()) | words.map(lambda value: (("PYTHONPATH", value),)),
    notes=st.lists(words).map(tuple),
)


@given(trainers)
def test_the_draft_says_what_it_was_given_whatever_stands_in_it(trainer: Trainer) -> None:
    content = tomllib.loads(draft(trainer))
    assert tuple(content["command"]) == trainer.command
    assert (tuple(content["code"]), tuple(content["packages"])) == (trainer.code, trainer.packages)
    assert (tuple(content["environments"]), content["budget"]) == (trainer.environments, trainer.budget)
    assert content.get("variables", {}) == dict(trainer.variables)
    if trainer.metric:
        assert (content["metric"]["name"], content["metric"]["step"]) == (trainer.metric.name, trainer.metric.step)
    assert content.keys() - {"variables"} == {
        "description", "command", "code", "packages", "environments", "budget", "seeds", "metric", "resources", "wandb",
    }  # fmt: skip


numbers = st.integers(0, 1000).map(str) | st.floats(0, 1e6).map(repr)
expressions = st.recursive(
    numbers,
    lambda inner: (
        st.builds("({} {} {})".format, inner, st.sampled_from("+*"), inner)
        | inner.map("-({})".format)
        | inner.map("int({})".format)
        | inner.map("float({})".format)
    ),
    max_leaves=6,
)


@given(expressions)
def test_constants_are_computed_as_python_does(expression: str) -> None:
    source = Source(PurePosixPath("x.py"), ast.parse(f"A = {expression}\nB = A\n"))
    found = source.value(source.constants["B"])
    expected = eval(expression)  # noqa: S307  (made of numbers, two signs and two names)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    "expression",
    [
        "f()",
        "x",
        "1 / 0",
        "9 ** 9 ** 9",
        "2 ** 10_000",
        "[1, x]",
        "lambda: 1",
        "'a' * 9",
        "int('x')",
        "int(1e999)",
        "-'a'",
        "1 + 'a'",
        "'a' + 'b'",
    ],
)
def test_what_only_running_would_tell_is_unknown(expression: str) -> None:
    tree = ast.parse(f"A = B\nB = A\nC = {expression}\n")
    source = Source(PurePosixPath("x.py"), tree)
    assert source.value(source.constants["C"]) is UNKNOWN
    assert source.value(source.constants["A"]) is UNKNOWN


@pytest.mark.parametrize(
    ("value", "steps"),
    [(5, 5), (1e6, 10**6), ("1e6", 10**6), ("10_000", 10_000), (True, 0), (None, 0), (-1, 0), ("many", 0), ("nan", 0),
     (UNKNOWN, 0)],
)  # fmt: skip
def test_defaults_as_steps(value: object, steps: int) -> None:
    assert as_steps(value) == steps


def test_no_file_is_read_twice(tmp_path: Path) -> None:
    build(tmp_path, STYLES["package"])
    sources = Sources(tmp_path)
    path = PurePosixPath("src/agents/train.py")
    assert sources.source(path) is sources.source(path)
    shutil.rmtree(tmp_path / "src")
    assert sources.source(path) is not None
