"""`rlops init` in repositories of every style: what it writes, what it leaves, what it refuses."""

import difflib
import json
import os
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from rlops import ci
from rlops.cli.main import VERBS
from rlops.plan import read_benchmark
from tests.cli.commands import CommandLine
from tests.plan.repositories import STYLES, build, commit

GOLD = Path(__file__).parents[1] / "gold" / "init"
RECIPE = Path(ci.__file__).parent / "recipes" / "pull-request.yml"
NAMES = {
    "argparse": "ppo",
    "tyro": "dqn",
    "sb3": "train_agent",
    "hydra": "train",
    "click": "rl",
    "package": "train",
    "absl": "train",
}
WORKFLOW = ".github/workflows/rlops.yml"
SAMPLE_COMMIT = "0123456789abcdef0123456789abcdef01234567"


def check_gold(name: str, written: str) -> None:
    """As tests/report/gold.py does. To renew: RLOPS_RENEW_GOLD=1 python -m pytest tests/cli/test_init.py"""
    path = GOLD / name
    if os.environ.get("RLOPS_RENEW_GOLD") == "1":
        path.write_text(written, encoding="utf-8")
    expected = path.read_text(encoding="utf-8") if path.exists() else ""
    difference = difflib.unified_diff(expected.splitlines(), written.splitlines(), "gold", "written", lineterm="", n=1)
    assert written == expected, "\n".join(difference)


def everything(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Content and time of every file outside of .git."""
    files = [path for path in folder.rglob("*") if path.is_file() and ".git" not in path.relative_to(folder).parts]
    return {str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mtime_ns) for path in files}


def recipe(benchmark: str) -> str:
    """The recipe as it is written here, where rlops was not installed from GitHub."""
    return RECIPE.read_text().replace("benchmark: quick # EDIT", f'benchmark: "{benchmark}"')


@pytest.fixture(autouse=True)
def _installed_from_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ci, "installed_from", lambda: None)


class TestEveryStyle:
    @pytest.mark.parametrize("style", STYLES)
    def test_the_whole_benchmark_file(self, style: str, rlops: CommandLine) -> None:
        build(rlops.folder, STYLES[style])
        ended = rlops("init")
        assert ended.code == 0, ended.err
        path = rlops.folder / "benchmarks" / f"{NAMES[style]}.toml"
        check_gold(f"{style}.toml", path.read_text())
        benchmark = read_benchmark(path)
        assert "{seed}" in " ".join(benchmark.command)
        assert all((rlops.folder / item).exists() for item in benchmark.code)
        assert ended.out.splitlines() == [
            f"written  benchmarks/{NAMES[style]}.toml",
            f"written  {WORKFLOW}",
            "written  .gitignore",
            "next     rlops doctor",
            f"         rlops baseline save {NAMES[style]}",
        ]
        assert (rlops.folder / WORKFLOW).read_text() == recipe(NAMES[style])
        assert (rlops.folder / ".gitignore").read_text() == ".rlops/\n"

    @pytest.mark.parametrize("style", STYLES)
    def test_nothing_is_run_and_nothing_is_imported(self, style: str, rlops: CommandLine) -> None:
        build(rlops.folder, STYLES[style])
        started, modules = [], set(sys.modules)
        popen = subprocess.Popen.__init__

        def watched(self: object, arguments: list[str], *rest: object, **options: object) -> None:
            started.append(arguments[0])
            popen(self, arguments, *rest, **options)

        rlops.monkeypatch.setattr(subprocess.Popen, "__init__", watched)
        rlops.monkeypatch.setenv("PYTHONPATH", str(rlops.folder))
        assert rlops("init").code == 0
        assert set(started) == {"git"}
        assert not list(rlops.folder.rglob("EXECUTED"))
        files = [getattr(sys.modules[name], "__file__", None) or "" for name in set(sys.modules) - modules]
        assert not [file for file in files if file.startswith(str(rlops.folder))]

    @pytest.mark.parametrize("style", STYLES)
    @pytest.mark.parametrize("git", [True, False])
    def test_a_second_call_changes_nothing_and_says_so(self, style: str, git: bool, rlops: CommandLine) -> None:
        build(rlops.folder, STYLES[style], git=git)
        first = rlops("init")
        before = everything(rlops.folder)
        ended = rlops("init")
        assert ended.code == 0
        assert everything(rlops.folder) == before
        assert "written" not in ended.out
        assert ended.out.splitlines() == [
            f"left     benchmarks/ has {NAMES[style]}; `rlops init --name NAME` writes another one",
            "left     rlops.yml in .github/workflows calls rlops already",
            "left     git ignores .rlops/ already",
            "nothing to write",
            *first.out.splitlines()[-2:],
        ]
        assert ended.err == ""


class TestWhatIsThere:
    def test_is_never_overwritten(self, rlops: CommandLine) -> None:
        build(rlops.folder, STYLES["argparse"])
        mine = {"benchmarks/ppo.toml": "not even TOML", WORKFLOW: "mine", ".gitignore": "/.rlops\n"}
        for name, text in mine.items():
            (rlops.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (rlops.folder / name).write_text(text)
        before = everything(rlops.folder)
        for arguments in ((), ("--name", "ppo"), ("--script", "ppo.py"), ("--budget", "1000")):
            ended = rlops("init", *arguments)
            assert (ended.code, ended.out.count("left "), "nothing to write" in ended.out) == (0, 3, True), ended.out
            assert everything(rlops.folder) == before
        assert "left     .github/workflows/rlops.yml is there already" in ended.out
        assert "left     benchmarks/ppo.toml is there already" in ended.out

    def test_a_link_that_leads_nowhere_is_there_too(self, rlops: CommandLine) -> None:
        build(rlops.folder, STYLES["argparse"])
        outside = rlops.folder.parent / "outside"
        for name in ("benchmarks/ppo.toml", WORKFLOW, ".gitignore"):
            (rlops.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (rlops.folder / name).symlink_to(outside)
        ended = rlops("init", "--name", "ppo")
        assert (ended.code, "nothing to write" in ended.out) == (0, True)
        assert ".gitignore is a link; see that it has the line .rlops/" in ended.out
        assert not outside.exists()

    def test_another_workflow_that_calls_rlops_is_enough(self, rlops: CommandLine) -> None:
        build(rlops.folder, {**STYLES["argparse"], ".github/workflows/tests.yaml": "steps:\n  - run: rlops gate ppo\n"})
        assert "tests.yaml in .github/workflows calls rlops already" in rlops("init").out
        assert not (rlops.folder / WORKFLOW).exists()

    def test_a_workflow_that_only_speaks_of_rlops_is_not(self, rlops: CommandLine) -> None:
        build(rlops.folder, {**STYLES["argparse"], ".github/workflows/t.yml": "# rlops gate ppo\nname: no rlops\n"})
        rlops("init")
        assert (rlops.folder / WORKFLOW).exists()

    @pytest.mark.parametrize(
        ("before", "after"),
        [
            (None, b".rlops/\n"),
            (b"", b".rlops/\n"),
            (b"a\n", b"a\n.rlops/\n"),
            (b"a", b"a\n.rlops/\n"),
            (b"a\r\nb", b"a\r\nb\r\n.rlops/\r\n"),
            (b"\xff\n", b"\xff\n.rlops/\n"),
            (b"# .rlops/\n", b"# .rlops/\n.rlops/\n"),
            (b".rlops2/\n", b".rlops2/\n.rlops/\n"),
            (b".rlops\n", None),
            (b"/.rlops/\n", None),
            (b"**/.rlops/\n", None),
            (b".rlops/*\n", None),
            (b".*\n", None),
            (b"a\r\n.rlops/\r\n", None),
        ],
    )
    def test_gitignore(self, before: bytes | None, after: bytes | None, rlops: CommandLine) -> None:
        build(rlops.folder, STYLES["argparse"])
        path = rlops.folder / ".gitignore"
        if before is not None:
            path.write_bytes(before)
        ended = rlops("init")
        assert path.read_bytes() == (before if after is None else after)
        assert ("git ignores .rlops/ already" in ended.out) == (after is None)

    def test_the_stores_own_gitignore_does_not_count(self, rlops: CommandLine) -> None:
        build(rlops.folder, {**STYLES["argparse"], ".rlops/.gitignore": "*\n"})
        rlops("init")
        assert (rlops.folder / ".gitignore").read_text() == ".rlops/\n"

    @pytest.mark.parametrize(("store", "line"), [("store/deep", "store/deep/\n"), ("../elsewhere", None), (".", None)])
    def test_another_store(self, store: str, line: str | None, rlops: CommandLine) -> None:
        build(rlops.folder, STYLES["argparse"])
        assert rlops("init", "--dir", store).code == 0
        path = rlops.folder / ".gitignore"
        assert (path.read_text() if path.exists() else None) == line


class TestOptions:
    def test_a_name_makes_another_benchmark(self, rlops: CommandLine) -> None:
        build(rlops.folder, STYLES["argparse"])
        rlops("init")
        ended = rlops("init", "--name", "walk.er-2", "--env-id", "A-v1", "--env-id", "B-v1", "--env-id", "A-v1",
                      "--budget", "5000", "--script", "enjoy.py")  # fmt: skip
        assert ended.code == 0, ended.err
        benchmark = read_benchmark(rlops.folder / "benchmarks" / "walk.er-2.toml")
        assert (benchmark.environments, benchmark.budget) == (("A-v1", "B-v1"), 5000)
        assert benchmark.command[1] == "enjoy.py"
        assert "rlops baseline save walk.er-2" in ended.out
        assert "Given to `rlops init`" in (rlops.folder / "benchmarks" / "walk.er-2.toml").read_text()

    def test_no_workflow(self, rlops: CommandLine) -> None:
        build(rlops.folder, STYLES["argparse"])
        ended = rlops("init", "--no-workflow")
        assert not (rlops.folder / ".github").exists()
        assert "workflow" not in ended.out + ended.err

    def test_a_command(self, rlops: CommandLine) -> None:
        build(rlops.folder, STYLES["argparse"])
        ended = rlops("init", "--command", "python ppo.py --gym-id {env_id} -s {seed} --name 'a b'")
        assert ended.code == 0, ended.err
        benchmark = read_benchmark(rlops.folder / "benchmarks" / "ppo.toml")
        assert benchmark.command == ("{python}", "ppo.py", "--gym-id", "{env_id}", "-s", "{seed}", "--name", "a b")
        assert (benchmark.code, benchmark.environments) == (("ppo.py", "requirements.txt"), ("Hopper-v4",))

    def test_a_command_without_any_script_of_the_repository(self, rlops: CommandLine) -> None:
        ended = rlops("init", "--command", "/opt/rl/bin/train-it {env_id} {seed}", "--budget", "1000")
        assert ended.code == 0, ended.err
        benchmark = read_benchmark(rlops.folder / "benchmarks" / "train-it.toml")
        assert (benchmark.code, benchmark.budget) == ((".",), 1000)
        assert "GUESS: no script of this repository was found in the command" in ended.err

    @pytest.mark.parametrize(("words", "heard"), [("--steps={budget}", True), ("--steps=5", False)])
    def test_a_budget_that_the_trainer_does_not_hear_of(self, words: str, heard: bool, rlops: CommandLine) -> None:
        ended = rlops("init", "--command", f"sh {{env_id}} {{seed}} {words}", "--budget", "100")
        assert ("the command has no {budget}" in ended.err) == (not heard)

    def test_a_main_module_is_called_by_its_package(self, rlops: CommandLine) -> None:
        files = {"rl/__main__.py": STYLES["argparse"]["enjoy.py"], "rl/__init__.py": ""}
        build(rlops.folder, files)
        assert "written  benchmarks/rl.toml" in rlops("init").out

    def test_others_that_are_as_good_are_named_with_the_command_that_chooses(self, rlops: CommandLine) -> None:
        text = STYLES["argparse"]["ppo.py"]
        build(rlops.folder, {f"{name}.py": text for name in ("a", "b b", "c", "d", "e", "f", "g", "h", "i")})
        ended = rlops("init")
        (line,) = [line for line in ended.err.splitlines() if "about as good" in line]
        assert line == (
            "a.py is what looks most like a trainer; b b.py, c.py, d.py, e.py, f.py, g.py and 2 more are about as "
            "good: rlops init --script 'b b.py'"
        )
        assert rlops("init", "--script", "b b.py").code == 0
        assert (rlops.folder / "benchmarks" / "b-b.toml").exists()

    def test_what_is_to_be_looked_at_is_said(self, rlops: CommandLine) -> None:
        build(rlops.folder, STYLES["sb3"])
        err = rlops("init").err.splitlines()
        assert err == [
            "scripts/train_agent.py:20: wandb.init(dir=...) puts the run where rlops does not look; leave it out",
            "benchmarks/train_agent.toml: look at the lines with GUESS or NOT FOUND",
            f"{WORKFLOW}: put in for OWNER/rlops@COMMIT where rlops is on GitHub, and the full SHA of a commit",
            f"{WORKFLOW}: look at the lines marked EDIT (Python, your dependencies; there is no requirements.txt here)",
        ]
        (rlops.folder / WORKFLOW).unlink()
        assert rlops("init", "--name", "train_agent").err.splitlines() == err[2:]

    def test_nothing_to_look_at_is_not_said(self, rlops: CommandLine) -> None:
        build(rlops.folder, STYLES["click"])
        assert "GUESS" in rlops("init", "--no-workflow").err
        build(rlops.folder, STYLES["argparse"])
        assert rlops("init", "--no-workflow", "--name", "x", "--script", "ppo.py").err == ""


class TestRefusals:
    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (("--command", "train.py {seed}"), "nothing was written: command: the placeholder {env_id} is missing"),
            (("--command", "python train.py {env_id} {sed} {seed}"), "unknown placeholder {sed}; did you mean seed?"),
            (("--command", "python 'train.py"), "--command: No closing quotation in: python 'train.py"),
            (("--command", ""), "--command: it is empty; write it like rlops init"),
            (("--command", " "), "--command: it is empty"),
            (("--command", "x {env_id} {seed}", "--script", "ppo.py"), "--command says it all"),
            (("--script", "pppo.py"), "did you mean ppo.py?"),
            (("--script", "setup.py"), "setup.py has no option for the environment"),
            (("--name", "a/b"), "'a/b' is no name for a benchmark"),
            (("--name", "../x"), "is no name for a benchmark"),
            (("--name", ".x"), "is no name for a benchmark"),
            (("--name", ""), "is no name for a benchmark"),
            (("--budget", "99"), "99 is not in the range"),
            (("--env-id", ""), "--env-id: it is empty"),
        ],
        ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
    )  # fmt: skip
    def test_nothing_is_written(self, arguments: tuple[str, ...], said: str, rlops: CommandLine) -> None:
        build(rlops.folder, STYLES["argparse"])
        before = everything(rlops.folder)
        ended = rlops("init", *arguments)
        assert (ended.code, ended.out) == (2, ""), ended.err
        assert said in ended.err
        assert "Traceback" not in ended.err
        assert everything(rlops.folder) == before

    def test_where_there_is_nothing(self, rlops: CommandLine) -> None:
        ended = rlops("init")
        assert (ended.code, ended.out) == (2, "")
        assert ended.err.startswith(
            "Error: no training command was found in 0 Python files of this folder. Looked for: "
        )
        assert 'rlops init --command "python train.py --env {env_id} --seed {seed} --steps {budget}"' in ended.err
        assert list(rlops.folder.iterdir()) == []

    def test_what_is_near_is_named(self, rlops: CommandLine) -> None:
        text = STYLES["argparse"]["ppo.py"].replace('"--seed"', '"--other"')
        build(rlops.folder, {f"ppo{i}.py": text for i in range(9)})
        ended = rlops("init")
        assert ended.code == 2
        assert "in 9 Python files" in ended.err
        assert "\n  ppo0.py: has --gym-id, but no option for the seed\n" in ended.err
        assert ended.err.count("but no option") == 6

    def test_a_place_that_cannot_be_written_is_no_bug(self, rlops: CommandLine) -> None:
        build(rlops.folder, {**STYLES["argparse"], "benchmarks": "a file\n"})
        ended = rlops("init")
        assert ended.code == 2, ended.err
        assert "Traceback" not in ended.err


class TestWorkflow:
    def test_the_recipe_has_what_is_put_in(self) -> None:
        """What init needs of it: one line `benchmark: NAME`, and the placeholder."""
        text = RECIPE.read_text()
        assert len(ci.BENCHMARK_LINE.findall(text)) == 1
        assert text.count(ci.PLACEHOLDER) == 1
        assert "benchmark: quick # EDIT\n" in text

    @pytest.mark.parametrize("name", ["quick", "1.10", "no", "x-y_z"])
    def test_the_name_is_a_string_whatever_it_looks_like(self, name: str) -> None:
        text = ci.pull_request_workflow(name)
        assert f'          benchmark: "{name}"\n' in text
        assert [line for line in text.splitlines() if "benchmark:" not in line] == [
            line for line in RECIPE.read_text().splitlines() if "benchmark:" not in line
        ]

    def test_where_rlops_was_installed_from_is_put_in(self, rlops: CommandLine) -> None:
        rlops.monkeypatch.setattr(ci, "installed_from", lambda: f"me/rlops@{SAMPLE_COMMIT}")
        build(rlops.folder, STYLES["argparse"])
        ended = rlops("init")
        text = (rlops.folder / WORKFLOW).read_text()
        assert f"      - uses: me/rlops@{SAMPLE_COMMIT}\n" in text
        assert "OWNER" not in text + ended.err
        assert "look at the lines marked EDIT (Python, your dependencies)" in ended.err

    def test_only_the_top_of_a_repository_has_workflows(self, rlops: CommandLine) -> None:
        build(rlops.folder.parent / rlops.folder.name, {"sub/ppo.py": STYLES["argparse"]["ppo.py"]})
        top, rlops.folder = rlops.folder, rlops.folder / "sub"
        ended = rlops("init")
        assert ended.code == 0, ended.err
        assert f"left     no workflow: GitHub reads those at the top of the repository ({top}) alone" in ended.out
        assert (rlops.folder / "benchmarks" / "ppo.toml").exists()
        assert not list(top.rglob("*.yml"))

    def test_the_name_of_a_benchmark_that_was_there(self, rlops: CommandLine) -> None:
        build(rlops.folder, {"benchmarks/b.toml": "", "benchmarks/a.toml": ""})
        assert rlops("init").code == 0
        assert (rlops.folder / WORKFLOW).read_text() == recipe("a")


class FakeDistribution:
    def __init__(self, text: str | None) -> None:
        self.text = text

    def read_text(self, _name: str) -> str | None:
        return self.text


@pytest.mark.parametrize(
    ("url", "commit", "action"),
    [
        ("https://github.com/me/rlops", SAMPLE_COMMIT, f"me/rlops@{SAMPLE_COMMIT}"),
        ("https://github.com/me/rlops.git", SAMPLE_COMMIT, f"me/rlops@{SAMPLE_COMMIT}"),
        ("https://token:x@github.com/me/my.fork", SAMPLE_COMMIT, f"me/my.fork@{SAMPLE_COMMIT}"),
        ("ssh://git@github.com/me/rlops.git", SAMPLE_COMMIT, f"me/rlops@{SAMPLE_COMMIT}"),
        ("https://github.com/me/rlops", "main", None),
        ("https://gitlab.com/me/rlops", SAMPLE_COMMIT, None),
        ("https://github.com.evil.org/me/rlops", SAMPLE_COMMIT, None),
        ("https://github.com/me/rlops/tree\n- run: x", SAMPLE_COMMIT, None),
        ("file:///home/me/rlops", None, None),
    ],
)
def test_where_rlops_was_installed_from(
    url: str, commit: str | None, action: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    origin = {"url": url, **({"vcs_info": {"vcs": "git", "commit_id": commit}} if commit else {"dir_info": {}})}
    monkeypatch.setattr(metadata, "distribution", lambda _: FakeDistribution(json.dumps(origin)))
    assert ci.installed_from() == action


@pytest.mark.parametrize("text", [None, "", "{", "[]", '"x"'])
def test_an_installation_that_says_nothing(text: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    monkeypatch.setattr(metadata, "distribution", lambda _: FakeDistribution(text))
    assert ci.installed_from() is None


def test_init_and_doctor_come_first() -> None:
    assert list(VERBS)[:2] == ["init", "doctor"]


TRAINER = """
import argparse
import wandb

def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--env", default="Dummy-v1")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--total-steps", type=int, default=2_000)
    parser.add_argument("--wandb", action="store_true")
    args = parser.parse_args()
    if args.wandb:
        wandb.init(settings=wandb.Settings(x_disable_stats=True, console="off", silent=True))
        for step in range(100, args.total_steps + 1, 100):
            wandb.log({"train/episode_return": step + args.seed, "global_step": step})
        wandb.finish()

if __name__ == "__main__":
    main()
"""


def test_from_nothing_to_a_run_set(rlops: CommandLine) -> None:
    """init, doctor, run: the files that were written are enough to train by, and the curves can be read."""
    build(rlops.folder, {})
    (rlops.folder / "learn.py").write_text(TRAINER)
    assert rlops("init", "--no-workflow").code == 0
    commit(rlops.folder)
    doctor = rlops("doctor")
    assert doctor.code == 0, doctor.out
    assert "missing" not in doctor.out
    ended = rlops("run", "learn", "--seeds", "1-2")
    assert ended.code == 0, ended.err
    saved = rlops("baseline", "save", "learn", "--seeds", "1-2")
    assert saved.code == 0, saved.err
    assert re.search(r"^Dummy-v1 +2 ", saved.err, flags=re.MULTILINE)
    assert "ok       benchmark learn: baseline: baselines/learn.json: 2 seeds on 1 environment" in rlops("doctor").out
