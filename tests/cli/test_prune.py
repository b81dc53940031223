"""`rlops prune`: what goes, what stays, and what it does not touch."""

import json
import os
import shutil
import time
from pathlib import Path

import numpy as np
import pytest

from rlops.curves import Store
from rlops.curves.history import Column, RunHistory
from rlops.plan import Benchmark
from rlops.prune import remove, survey
from rlops.workspace import Workspace
from tests.cli.commands import CommandLine
from tests.launch.dummies import Project, make_project
from tests.launch.test_together import held_elsewhere
from tests.versions.quick import Gate, hurry, make, store_baseline, trainer

LONG_AGO = time.time() - 20 * 86_400


def age(folder: Path, moment: float = LONG_AGO) -> None:
    """As if nothing below the folder had been touched since."""
    for path in [*folder.rglob("*"), folder]:
        if not path.is_symlink():
            os.utime(path, (moment, moment))


def answer(rlops: CommandLine, *arguments: str) -> dict[str, dict[str, str]]:
    """What goes and what stays: name -> why."""
    ended = rlops("prune", "--json", *arguments)
    assert ended.code == 0, ended.err
    record = json.loads(ended.out)
    assert record["schema"] == 1
    return {side: {Path(item["path"]).name: item["why"] for item in record[side]} for side in ("goes", "stays")}


def tree(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A folder outside of git, whose store is that of the command line."""
    return make_project(tmp_path)


def benchmark_of(project: Project, name: str) -> Benchmark:
    return project.benchmark(name=name, budget=1000 + ord(name))


def grid_of(project: Project, name: str) -> str:
    return project.grid(benchmark_of(project, name), ()).name


@pytest.fixture
def store(project: Project) -> Path:
    """Three grids, twenty days old: of the benchmarks a, b and c."""
    for name in "abc":
        project.fill(benchmark_of(project, name), (1,))
    shutil.move(project.root / "store", project.root / ".rlops")
    age(project.root / ".rlops")
    return project.root / ".rlops"


class TestOutsideOfGit:
    def test_without_yes_nothing_happens(self, rlops: CommandLine, project: Project, store: Path) -> None:
        before = tree(store)
        ended = rlops("prune")
        assert ended.code == 0
        assert [line.split()[0] for line in ended.out.splitlines()] == ["cells"] * 3
        assert "3 things, 0.0 MB would go; rlops prune --yes removes them" in ended.err
        assert tree(store) == before

    def test_what_nobody_needs_goes(self, rlops: CommandLine, project: Project, store: Path) -> None:
        ended = rlops("prune", "--yes")
        assert (ended.code, "removed 3 things" in ended.err) == (0, True)
        assert list((store / "cells").iterdir()) == []
        ended = rlops("prune")
        assert (ended.out, "nothing goes" in ended.err) == ("", True)

    def test_what_was_used_lately_stays(self, rlops: CommandLine, project: Project, store: Path) -> None:
        (done,) = (store / "cells" / grid_of(project, "b")).glob("*/done.json")
        os.utime(done)
        (asked,) = (store / "cells" / grid_of(project, "c")).glob("asked.json")
        os.utime(asked)
        assert answer(rlops)["stays"] == dict.fromkeys((grid_of(project, "b"), grid_of(project, "c")), "used lately")
        assert answer(rlops, "--days", "0")["stays"] == {}
        assert answer(rlops, "--days", "30")["goes"] == {}

    def test_what_a_baseline_was_made_of_stays(self, rlops: CommandLine, project: Project, store: Path) -> None:
        gate = type("Here", (), {"repository": project})
        store_baseline(gate, "mine", key=project.grid(benchmark_of(project, "a"), ()).key)  # type: ignore[arg-type]
        found = answer(rlops, "--yes")
        assert found["stays"] == {grid_of(project, "a"): "the baseline mine was made of it"}
        assert [path.name for path in (store / "cells").iterdir()] == [grid_of(project, "a")]

    def test_a_baseline_that_cannot_be_read_decides_nothing(
        self, rlops: CommandLine, project: Project, store: Path
    ) -> None:
        (project.root / "baselines").mkdir()
        (project.root / "baselines" / "quick.json").write_text("{")
        ended = rlops("prune", "--yes")
        assert (ended.code, "is not a baseline file" in ended.err) == (2, True)
        assert len(list((store / "cells").iterdir())) == 3

    def test_what_a_verdict_names_stays(self, rlops: CommandLine, project: Project, store: Path) -> None:
        (path,) = (store / "cells" / grid_of(project, "b")).glob("*/cell.json")
        request = json.loads(path.read_text())
        path.write_text(json.dumps({**request, "provenance": {**request["provenance"], "git_commit": "c" * 40}}))
        age(store)
        for name, text in {
            "odd": "[]",
            "torn": "{",
            "good": json.dumps({"candidate": {"git_commit": "c" * 40}}),
        }.items():
            (store / "verdicts" / name).mkdir(parents=True)
            (store / "verdicts" / name / "verdict.json").write_text(text)
        assert answer(rlops, "--yes")["stays"] == {grid_of(project, "b"): "ccccccc: the verdict good names it"}
        assert len(list((store / "verdicts").iterdir())) == 3

    def test_where_something_runs_it_stays(self, rlops: CommandLine, project: Project, store: Path) -> None:
        (path,) = (store / "cells" / grid_of(project, "c")).glob("*/cell.json")
        (key,) = json.loads(path.read_text())["keys"].values()
        with held_elsewhere([path.parent.parent / ".locks" / key[:24]]):
            found = answer(rlops, "--yes", "--days", "0")
        assert found["stays"] == {grid_of(project, "c"): "something is being trained in it"}

    def test_what_is_used_between_the_look_and_the_removal_stays(self, project: Project, store: Path) -> None:
        workspace = Workspace(project.root, store)
        found = survey(workspace, 14, time.time())
        (asked,) = (store / "cells" / grid_of(project, "a")).glob("asked.json")
        os.utime(asked)
        (path,) = (store / "cells" / grid_of(project, "b")).glob("*/cell.json")
        (key,) = json.loads(path.read_text())["keys"].values()
        with held_elsewhere([path.parent.parent / ".locks" / key[:24]]):
            assert [item.path.name for item in remove(workspace, found)] == [grid_of(project, "c")]
        assert {path.name for path in (store / "cells").iterdir()} == {grid_of(project, "a"), grid_of(project, "b")}

    def test_runs_go_with_their_cells(self, rlops: CommandLine, project: Project, store: Path) -> None:
        runs = Store(store / "runs")
        kept, gone = (store / "cells" / grid_of(project, name) for name in "ab")
        (asked,) = kept.glob("asked.json")
        os.utime(asked)
        (here,) = (path.parent for path in kept.glob("*/cell.json"))
        (there,) = (path.parent for path in gone.glob("*/cell.json"))
        sources = {
            "here": here / "wandb" / "run-1.wandb",
            "there": there / "wandb" / "run-1.wandb",
            "gone before": kept / "no-such-cell" / "x",
            "elsewhere": project.root / "logs" / "x",
            "wandb": "https://wandb.ai/x",
        }
        one = Column(np.array([0]), np.array([1.0]))
        for identity, source in sources.items():
            runs.put(RunHistory(identity, "1", "finished", {}, {"x": one}, str(source)))
        answer(rlops, "--yes")
        assert {identity for identity in sources if runs.get(identity)} == {"here", "elsewhere", "wandb"}
        assert [meta["identity"] for meta in runs.known(str(store))] == ["here"]

    def test_what_killed_writes_left_goes_after_a_day(self, rlops: CommandLine, project: Project, store: Path) -> None:
        shutil.rmtree(store / "cells")
        left = [
            "runs/.0123456789abcdef01234567.npz.ab12_cd3",
            "verdicts/x-0123456789ab/.verdict.json.abcdefgh",
            "results/x-0123456789ab/.results.json.abcdefgh",
            "cells/bench-0123456789ab/.asked.json.abcdefgh",
            "cells/.bench-0123456789ab.abcdefgh/A-s1-01234567/done.json",
            "cells/bench-0123456789ab/.A-v1-s1-01234567.abcdefgh/cell.json",
            "..gitignore.abcdefgh",
        ]
        others = ["runs/.hidden", "runs/notes.npz", "verdicts/x-0123456789ab/.mine.abcdefgh", ".mine.abcdefgh"]
        for name in [*left, *others]:
            (store / name).parent.mkdir(parents=True, exist_ok=True)
            (store / name).touch()
        assert {name for name in answer(rlops, "--days", "0")["goes"] if name.startswith(".")} == set()
        age(store)
        os.utime(store / "cells" / "bench-0123456789ab")
        rlops("prune", "--yes")
        assert [name for name in left if (store / name).exists()] == []
        assert [name for name in others if (store / name).exists()] == others

    def test_links_out_of_the_store_are_not_followed(
        self, rlops: CommandLine, project: Project, store: Path, tmp_path: Path
    ) -> None:
        outside = tmp_path / "outside" / grid_of(project, "a")
        outside.parent.mkdir()
        shutil.move(store / "cells" / grid_of(project, "a"), outside)
        (store / "cells" / grid_of(project, "a")).symlink_to(outside)
        (store / "cells" / grid_of(project, "b") / "link").symlink_to(outside)
        (store / "cells" / "mine").mkdir()
        before = tree(outside)
        assert set(answer(rlops, "--yes")["goes"]) == {grid_of(project, "b"), grid_of(project, "c")}
        assert tree(outside) == before
        assert {path.name for path in (store / "cells").iterdir()} == {grid_of(project, "a"), "mine"}
        shutil.move(store / "cells", tmp_path / "moved")
        (store / "cells").symlink_to(tmp_path / "moved")
        ended = rlops("prune", "--yes")
        assert (ended.code, "is no rlops store" in ended.err) == (2, True)

    def test_a_folder_that_is_no_store_is_left_alone(self, rlops: CommandLine, tmp_path: Path) -> None:
        for place in ("nowhere", "mine"):
            (tmp_path / "mine" / "venvs" / "0123456789ab").mkdir(parents=True, exist_ok=True)
            ended = rlops("prune", "--yes", "--dir", place)
            assert (ended.code, "is no rlops store: it has no cells" in ended.err) == (2, True)
        assert (tmp_path / "mine" / "venvs" / "0123456789ab").is_dir()
        assert not (tmp_path / "nowhere").exists()

    def test_environments_go_with_who_asks_for_them(self, rlops: CommandLine, project: Project, store: Path) -> None:
        for name in ("aaaaaaaaaaaa", "bbbbbbbbbbbb", "cccccccccccc", "mine"):
            (store / "venvs" / name).mkdir(parents=True)
            (store / "venvs" / name / ".ready").touch()
            (store / "venvs" / f"{name}.log").touch()
        (path,) = (store / "cells" / grid_of(project, "b")).glob("*/cell.json")
        request = json.loads(path.read_text())
        python = str(store / "venvs" / "aaaaaaaaaaaa" / "bin" / "python")
        path.write_text(json.dumps({**request, "imports": {**request["imports"], "python": python}}))
        age(store)
        os.utime(store / "cells" / grid_of(project, "b") / "asked.json")
        os.utime(store / "venvs" / "bbbbbbbbbbbb" / ".ready")
        assert set(answer(rlops, "--yes")["stays"]) == {grid_of(project, "b"), "aaaaaaaaaaaa", "bbbbbbbbbbbb"}
        left = {path.name for path in (store / "venvs").iterdir() if path.suffix != ".lock"}
        assert left == {f"{name}{end}" for name in ("aaaaaaaaaaaa", "bbbbbbbbbbbb", "mine") for end in ("", ".log")}


class TestInARepository:
    @pytest.fixture
    def gate(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Gate:
        """main, and a branch from it whose cells and those of its base are known, and twenty days old."""
        hurry(monkeypatch, tmp_path)
        gate = Gate(make(tmp_path / "repository"), [])
        gate.repository.branch("branch")
        gate.repository.commit("Name the noise", **{"train.py": trainer("noise + 100")})
        gate.here()
        gate.repository.git("checkout", "--quiet", "main")
        age(gate.store)
        return gate

    @pytest.fixture
    def rlops(self, gate: Gate, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> CommandLine:
        return CommandLine(gate.repository.root, monkeypatch, capfd)

    def counts(self, gate: Gate) -> tuple[int, int, int]:
        """Grids, worktrees, and worktrees that git knows (the checkout itself is one)."""
        places = [path for path in (gate.store / "worktrees").iterdir() if path.is_dir()]
        known = gate.repository.git("worktree", "list").splitlines()
        return len(list((gate.store / "cells").iterdir())), len(places), len(known)

    def test_branches_keep_what_is_theirs(self, gate: Gate, rlops: CommandLine) -> None:
        assert answer(rlops, "--yes")["goes"] == {}
        assert self.counts(gate) == (2, 2, 3)

    def test_a_branch_that_is_gone_takes_cells_and_worktree_with_it(self, gate: Gate, rlops: CommandLine) -> None:
        commit = gate.repository.git("rev-parse", "branch")
        gate.repository.git("branch", "--quiet", "-D", "branch")
        found = answer(rlops, "--yes")
        (worktree,) = {name for name in found["goes"] if name == commit[:12]}
        (grid,) = {name for name, why in found["goes"].items() if why.endswith(f"verdict names {commit[:7]}")}
        runs = {name for name, why in found["goes"].items() if f"gone: {grid}/" in why}
        assert (len(runs), set(found["goes"])) == (4, {worktree, grid, *runs})
        assert len(list((gate.store / "runs").glob("*.npz"))) == 4
        assert self.counts(gate) == (1, 1, 2)
        assert gate.here()[0].verdict == "identical"
        assert gate.repository.git("status", "--porcelain") == ""

    @pytest.mark.parametrize("keep", ["tag v1", "tag -a -m v1 v1", "update-ref refs/remotes/origin/branch"])
    def test_tags_and_branches_of_remotes_keep_it_too(self, gate: Gate, rlops: CommandLine, keep: str) -> None:
        gate.repository.git(*keep.split(), "branch")
        gate.repository.git("branch", "--quiet", "-D", "branch")
        assert answer(rlops)["goes"] == {}

    def test_the_merge_base_of_a_branch_stays_when_main_goes_on(self, gate: Gate, rlops: CommandLine) -> None:
        base = gate.repository.git("rev-parse", "main")
        gate.repository.commit("main goes on", **{"train.py": trainer("200 + noise")})
        assert answer(rlops)["goes"] == {}
        gate.repository.git("branch", "--quiet", "-D", "branch")
        assert base[:12] in answer(rlops)["goes"]

    def test_cells_of_the_same_code_belong_to_every_commit_that_asked(self, gate: Gate, rlops: CommandLine) -> None:
        """A commit that changes docs only has the cells of the one before; that one's branch may go."""
        gate.repository.git("checkout", "--quiet", "branch")
        gate.repository.commit("docs", **{"README.md": "x"})
        gate.here()
        age(gate.store)
        gate.repository.git("checkout", "--quiet", "-B", "main")
        gate.repository.git("branch", "--quiet", "-D", "branch")
        gate.repository.git("tag", "old", "HEAD~2")
        assert answer(rlops)["goes"] == {}

    def test_a_worktree_in_which_something_runs_stays(self, gate: Gate, rlops: CommandLine) -> None:
        gate.repository.git("branch", "--quiet", "-D", "branch")
        (grid,) = answer(rlops)["goes"].keys() & {path.name for path in (gate.store / "cells").iterdir()}
        lock = gate.store / "cells" / grid / ".locks" / "0123456789abcdef01234567"
        with held_elsewhere([lock]):
            assert answer(rlops, "--yes", "--days", "0")["goes"] == {}
        assert self.counts(gate) == (2, 2, 3)

    def test_the_worktree_of_another_repository_stays(self, gate: Gate, rlops: CommandLine, tmp_path: Path) -> None:
        other = make(tmp_path / "elsewhere" / "other")
        foreign, dead = (gate.store / "worktrees" / name for name in ("f" * 12, "d" * 12))
        other.git("worktree", "add", "--quiet", "--detach", str(foreign))
        dead.mkdir()
        (dead / ".git").write_text("gitdir: /nowhere/at/all\n")
        age(gate.store)
        found = answer(rlops, "--yes")
        assert found["stays"]["f" * 12] == "it is of another repository"
        assert set(found["goes"]) == {"d" * 12}
        assert (foreign.is_dir(), dead.exists()) == (True, False)

    def test_a_repository_that_cannot_be_read_decides_nothing(self, gate: Gate, rlops: CommandLine) -> None:
        (gate.repository.root / ".git" / "HEAD").write_text("nonsense")
        ended = rlops("prune", "--yes")
        assert (ended.code, "git says" in ended.err) == (2, True)
        assert len(list((gate.store / "cells").iterdir())) == 2
