"""Versions from git as run sets: `rlops compare` judges what is known of them, and never trains."""

import json
from pathlib import Path

import pytest

from tests.cli.commands import CommandLine, Ended
from tests.versions.quick import BENCHMARK, FIRST, HEAD, Gate, Unsupervised, hurry, make, store_baseline, trainer

LEFT = "benchmarks/own.toml"


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Gate:
    """Branches of which all is known that a gate trained: refactoring (two seeds) and bug (everything)."""
    home = tmp_path_factory.mktemp("versions")
    gate = Gate(make(home / "repository"), [])
    with pytest.MonkeyPatch.context() as monkeypatch:
        hurry(monkeypatch, home)
        for name, code in {"refactoring": trainer("noise + 100"), "bug": trainer("40 + noise")}.items():
            gate.repository.branch(name)
            gate.repository.commit(name, **{"train.py": code})
            gate(name)
    gate.repository.branch("unknown")
    gate.repository.commit("unknown", **{"train.py": trainer("41 + noise")})
    gate.repository.git("checkout", "--quiet", "main")
    return gate


@pytest.fixture
def known(trained: Gate, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> CommandLine:
    """`rlops ...` where that is known; it must not train."""
    hurry(monkeypatch, trained.repository.root.parent)

    def refuse(*_: object) -> None:
        raise AssertionError("compare trains")

    monkeypatch.setattr(Unsupervised, "submit", refuse)
    return CommandLine(trained.repository.root, monkeypatch, capfd)


def compared(ended: Ended) -> tuple[int, str, dict[str, str]]:
    """Exit code, word, and the words of the environments."""
    assert ended.out, ended.err
    record = json.loads(ended.out)
    assert record["cost"]["cells_trained"] in {0, None}
    return ended.code, record["verdict"], {item["env_id"]: item["verdict"] for item in record["environments"]}


class TestWhatIsKnown:
    def test_two_versions_are_judged_as_a_gate_would(self, known: CommandLine) -> None:
        own = ("--benchmark", "own", "--json")
        both = {"A-v0": "regressed", "B-v0": "regressed"}
        assert compared(known("compare", "git:main", "git:bug", *own)) == (1, "regressed", both)
        assert compared(known("compare", "main..bug", *own)) == (1, "regressed", both)
        same = {"A-v0": "identical", "B-v0": "identical"}
        assert compared(known("compare", "main..refactoring", *own)) == (0, "identical", same)
        assert compared(known("compare", "git:main", "git:main", *own)) == (0, "identical", same)
        assert compared(known("compare", "main..", *own)) == (0, "identical", same)

    def test_filters_choose_environments_and_seeds(self, known: CommandLine) -> None:
        own = ("--benchmark", "own", "--json")
        one = {"B-v0": "regressed"}
        assert compared(known("compare", "main..bug?env_id=B-v0", *own))[2] == one
        record = json.loads(known("compare", "git:main?seed=1-3", "git:bug?seed=102-105", *own).out)
        runs = {(run["side"], run["seed"]) for item in record["environments"] for run in item["runs"]}
        assert {seed for side, seed in runs if side == "baseline"} == {1, 2, 3}
        assert {seed for side, seed in runs if side == "candidate"} == {102, 103, 104, 105}
        ended = known("compare", "git:main?env_id=A-v0", "git:bug", "--benchmark", "own")
        assert (ended.code, "name other environments" in ended.err) == (2, True)
        ended = known("compare", "main..bug?env_id=C-v0", "--benchmark", "own")
        assert (ended.code, "the benchmark 'own' has no C-v0" in ended.err) == (2, True)
        ended = known("compare", "main..bug?algo=ppo", "--benchmark", "own")
        assert (ended.code, "filtered by env_id and seed only" in ended.err) == (2, True)

    def test_what_is_missing_is_named_with_the_command_that_trains_it(self, known: CommandLine) -> None:
        for references in (("git:main", "git:unknown"), ("main..unknown",), ("git:unknown", "git:bug")):
            ended = known("compare", *references, "--benchmark", "own")
            assert (ended.code, ended.out) == (4, "")
            assert "nothing of version" in ended.err
            assert "rlops run own git:unknown --seeds " in ended.err
        ended = known("compare", "git:main", "git:bug?seed=200-204", "--benchmark", "own")
        assert (ended.code, ended.out) == (4, "")
        assert "--seeds 200-204" in ended.err

    def test_seeds_that_are_missing_fail_the_candidate_and_are_shown_of_the_baseline(self, known: CommandLine) -> None:
        ended = known("compare", "git:main", "git:bug?seed=101-107", "--benchmark", "own", "--json")
        record = json.loads(ended.out)
        assert (ended.code, record["verdict"]) == (1, "regressed"), "no failed run hides that all together are worse"
        assert {item["verdict"] for item in record["environments"]} == {"failed"}
        missing = [item for item in record["findings"] if item["kind"] == "missing-seeds"]
        assert {(item["side"], tuple(item["seeds"])) for item in missing} == {("candidate", (106, 107))}
        ended = known("compare", "git:main?seed=1-5", "git:bug", "--benchmark", "own", "--json")
        record = json.loads(ended.out)
        assert (ended.code, record["verdict"]) == (1, "regressed")
        missing = [item for item in record["findings"] if item["kind"] == "missing-seeds"]
        assert {(item["side"], tuple(item["seeds"])) for item in missing} == {("baseline", (4, 5))}

    def test_a_version_against_other_run_sets(self, trained: Gate, known: CommandLine) -> None:
        store_baseline(trained)
        own = ("--benchmark", "own", "--json")
        assert compared(known("compare", "own", "git:bug", *own))[:2] == (1, "regressed")
        (folder,) = {path.parent.parent for path in trained.store.glob("cells/*/*s105*/done.json")}
        assert compared(known("compare", "git:main?seed=1-3", f"dir:{folder}", *own))[:2] == (1, "regressed")
        ended = known("compare", "own", "git:unknown", *own)
        assert (ended.code, "nothing of version" in ended.err) == (4, True)

    def test_words_that_name_no_version(self, known: CommandLine) -> None:
        for arguments, message in {
            ("git:main", "git:nope", "--benchmark", "own"): "git knows no commit 'nope'",
            ("git:--help", "git:bug", "--benchmark", "own"): "git knows no commit '--help'",
            ("main...bug", "--benchmark", "own"): "write A..B with two dots",
            ("main..bug",): "say which: --benchmark NAME",
            ("git:main", "git:bug"): "say which: --benchmark NAME",
            ("git:main", "--benchmark", "own"): "Missing argument 'B'",
            ("git:", "git:bug", "--benchmark", "own"): "nothing stands behind",
        }.items():
            ended = known("compare", *arguments)
            assert (ended.code, ended.out) == (2, ""), arguments
            assert message in ended.err

    def test_an_empty_left_side_is_head(self, known: CommandLine) -> None:
        own = ("--benchmark", "own", "--json")
        assert compared(known("compare", "..bug", *own))[:2] == (1, "regressed")

    def test_a_metric_that_would_have_no_effect_is_refused(self, known: CommandLine) -> None:
        assert known("compare", "main..bug?metric=loss", "--benchmark", "own").code == 2

    def test_a_policy_file_holds_for_versions(self, known: CommandLine, tmp_path: Path) -> None:
        (tmp_path / "wide.toml").write_text("[margins]\nscale_fraction = 5.0\nsuite_fraction = 5.0\n")
        ended = known("compare", "main..bug", "--benchmark", "own", "--json", "--policy", str(tmp_path / "wide.toml"))
        assert compared(ended)[:2] == (0, "equivalent")


class TestWithoutARun:
    def test_nothing_known_is_exit_4_and_equal_keys_are_identical(self, gate: Gate, rlops: CommandLine) -> None:
        gate.repository.branch("docs")
        gate.repository.commit("docs", **{"README.md": "x"})
        gate.repository.branch("bug")
        gate.repository.commit("bug", **{"train.py": trainer("40 + noise")})
        ended = rlops("compare", "main..docs", "--benchmark", "own", "--json")
        assert compared(ended)[:2] == (0, "identical")
        ended = rlops("compare", "main..bug", "--benchmark", "own")
        assert (ended.code, ended.out) == (4, "")
        assert "rlops run own 'git:mergebase(main,bug)' --seeds 1-3" in ended.err
        assert gate.repository.starts == []

    def test_outside_of_git(self, rlops: CommandLine, tmp_path: Path) -> None:
        (tmp_path / "elsewhere" / "benchmarks").mkdir(parents=True)
        (tmp_path / "elsewhere" / LEFT).write_text(BENCHMARK)
        rlops.folder = tmp_path / "elsewhere"
        for arguments in (("compare", "main..bug", "--benchmark", "own"), ("gate", "own", "--base", "main")):
            ended = rlops(*arguments)
            assert (ended.code, ended.out) == (2, "")
            assert "no versions to compare" in ended.err

    def test_without_git(self, rlops: CommandLine, tmp_path: Path) -> None:
        (tmp_path / "empty").mkdir()
        rlops.monkeypatch.setenv("PATH", str(tmp_path / "empty"))
        ended = rlops("compare", "main..bug", "--benchmark", "own")
        assert (ended.code, "install git" in ended.err) == (2, True)


class TestRun:
    """`rlops run BENCHMARK git:REF` trains what compare then finds."""

    def test_the_command_of_the_message_helps(self, gate: Gate, rlops: CommandLine) -> None:
        gate.repository.branch("bug")
        gate.repository.commit("bug", **{"train.py": trainer("40 + noise")})
        gate.repository.git("checkout", "--quiet", "main")
        assert rlops("run", "own", "git:mergebase(main,bug)", "--seeds", "1-3").code == 0
        assert rlops("run", "own", "git:bug").code == 0
        assert len(gate.repository.starts) == 2 * (3 + HEAD)
        assert compared(rlops("compare", "main..bug", "--benchmark", "own", "--json"))[:2] == (1, "regressed")
        ended = rlops("gate", "own", "--base", "main")  # on main: nothing differs
        assert (ended.code, len(gate.repository.starts)) == (0, 2 * (3 + HEAD))

    def test_filters_of_the_version_hold(self, gate: Gate, rlops: CommandLine) -> None:
        rlops("run", "own", "git:main?env_id=A-v0&seed=1-2")
        assert len(gate.repository.starts) == FIRST

    def test_what_is_no_version_is_refused(self, gate: Gate, rlops: CommandLine) -> None:
        for version in ("own", "dir:x", "main"):
            ended = rlops("run", "own", version)
            assert (ended.code, "versions are named git:REF" in ended.err) == (2, True)
        assert gate.repository.starts == []
