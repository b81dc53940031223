"""`rlops run` with versions from git: they take turns, which is what a comparison of their speed stands on."""

import json

from tests.cli.commands import CommandLine
from tests.versions.quick import Gate, trainer


def in_turns(gate: Gate) -> None:
    gate.repository.branch("slow")
    slow = trainer("100.1 + noise", before="import time; time.sleep(0.3)")
    gate.repository.commit("slow", **{"train.py": slow})


def test_two_versions_take_turns_and_their_speed_is_compared(gate: Gate, rlops: CommandLine) -> None:
    in_turns(gate)
    ended = rlops("run", "own", "git:main", "git:slow", "--seeds", "1-12")
    assert ended.code == 0, ended.err
    assert "48 cells trained, 0 were known; the run sets: dir:" in ended.err
    versions = [line.split()[0].rsplit("/", 1)[1] for line in gate.repository.starts]
    main, slow = sorted(set(versions), key=versions.count)
    assert (versions.count(main), versions.count(slow)) == (24, 24)
    assert all({main, slow} == set(versions[i : i + 4]) for i in range(0, 48, 4))

    verdict = json.loads(
        rlops("compare", "git:main?seed=1-12", "git:slow?seed=1-12", "--benchmark", "own", "--json").out
    )
    (speed,) = [finding for finding in verdict["findings"] if finding["kind"] == "steps-per-second"]
    assert "24 pairs of trainings that took turns" in speed["detail"]


def test_versions_of_the_same_code_are_trained_once(gate: Gate, rlops: CommandLine) -> None:
    gate.repository.branch("docs")
    gate.repository.commit("docs", **{"README.md": "ho"})
    ended = rlops("run", "own", "git:main", "git:docs", "--seeds", "1,2")
    assert "4 cells trained, 0 were known; the run set: dir:" in ended.err
    assert len(gate.repository.starts) == 4


def test_what_is_no_version_is_refused(rlops: CommandLine) -> None:
    ended = rlops("run", "own", "git:main", "slow")
    assert (ended.code, "'slow' is no version" in ended.err) == (2, True)
