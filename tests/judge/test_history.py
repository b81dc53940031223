"""The files of the history: small, whole, read back as they were, and nobody's name leads out of the folder."""

import json
from pathlib import Path

import pytest

from rlops.errors import UsageError
from rlops.judge import Verdict, history_entry, read_history, read_verdict, verdict_id, write_entry
from rlops.judge.history import NO_BENCHMARK, RESERVED, folder_name
from tests.report import samples
from tests.report.test_trust import HOSTILE
from tests.site_folder import SHRINKS, verdict


def test_an_entry_is_read_back_as_it_was(tmp_path: Path) -> None:
    entry = history_entry(verdict(1), "baseline", "git")
    path = write_entry(entry, tmp_path)
    assert path.relative_to(tmp_path).parts == (
        "quick",
        f"2020-03-01-{verdict(1).candidate.git_commit[:7]}-{entry.id}.json",
    )
    assert read_history(tmp_path) == [entry]
    assert path.stat().st_size < 3000


def test_it_holds_the_numbers_and_no_curves(tmp_path: Path) -> None:
    full = verdict(1)
    content = json.loads(write_entry(history_entry(full, None, "git"), tmp_path).read_text())
    assert content["schema"] == 1
    assert (content["verdict"], content["exit_code"], content["data_sha256"]) == ("equivalent", 0, full.data_sha256)
    assert content["candidate"]["kind"] == "git"
    kept = next(item for item in content["environments"] if item["env_id"] == SHRINKS)
    said = next(item for item in full.environments if item.env_id == SHRINKS)
    assert kept["change"] == pytest.approx(said.change, rel=1e-5)
    assert kept["margin"] == pytest.approx(said.margin, rel=1e-5)
    finals = {run.seed: run.final for run in said.runs if run.side == "candidate"}
    assert {seed: final for seed, final, _ in kept["runs"]} == pytest.approx(finals, rel=1e-5)
    assert "curves" not in json.dumps(content)


def test_a_line_an_environment(tmp_path: Path) -> None:
    lines = write_entry(history_entry(verdict(1), None, None), tmp_path).read_text().splitlines()
    assert sum('"env_id"' in line for line in lines) == len(verdict(1).environments)


def test_twenty_environments_of_twenty_seeds_are_a_few_kilobytes(tmp_path: Path) -> None:
    many = samples.many(20, seeds=20, points=5)
    assert write_entry(history_entry(many, None, None), tmp_path).stat().st_size < 25_000


@pytest.mark.parametrize("name", [*HOSTILE, "..", ".", ".git", "a/b", "../../x", "-rf", "C:\\x", NO_BENCHMARK])
def test_no_name_leads_out_of_the_folder(name: str, tmp_path: Path) -> None:
    full = verdict(1).model_copy(update={"benchmark": name, "created_at": name})
    entry = history_entry(full, None, None)
    path = write_entry(entry, tmp_path / "history")
    assert path.resolve().parent.parent == (tmp_path / "history").resolve()
    assert not path.parent.name.startswith((".", "-"))
    assert read_history(tmp_path / "history") == [entry]


def test_two_names_have_two_folders() -> None:
    names = ["a/b", "a-b", "a b", "a_b", "A b", None, "", *RESERVED]
    folders = {folder_name(name) for name in names}
    assert len(folders) == len(names)
    assert folders & RESERVED == {NO_BENCHMARK}


def test_the_oldest_comes_first(tmp_path: Path) -> None:
    written = [history_entry(verdict(number), None, None) for number in (3, 1, 2)]
    for entry in written:
        write_entry(entry, tmp_path)
    assert [entry.created_at[:10] for entry in read_history(tmp_path)] == ["2020-03-01", "2020-03-02", "2020-03-03"]


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"{", "JSON"),
        (b"[]", "object"),
        (b'{"schema": 2}', "schema"),
        (b" " * (1024 * 1024 + 1), "larger than 1 MiB"),
        (b"\xff", "JSON"),
    ],
)
def test_a_foreign_file_is_named(content: bytes, what: str, tmp_path: Path) -> None:
    path = tmp_path / "quick" / "x.json"
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(UsageError, match=what) as error:
        read_history(tmp_path)
    assert str(error.value).startswith(f"{path}: ")


def test_a_key_that_is_not_ours_is_refused(tmp_path: Path) -> None:
    path = write_entry(history_entry(verdict(1), None, None), tmp_path)
    path.write_text(json.dumps({**json.loads(path.read_text()), "extra": 1}))
    with pytest.raises(UsageError, match="extra"):
        read_history(tmp_path)


def test_the_id_is_that_of_the_question_and_the_answer() -> None:
    later: Verdict = verdict(1).model_copy(update={"created_at": "2027-01-01T00:00:00+00:00"})
    ids = [history_entry(one, None, None).id for one in (verdict(1), later, verdict(2))]
    assert ids[0] == ids[1] != ids[2]


def test_an_entry_of_an_older_rlops_is_known_again(tmp_path: Path) -> None:
    """A verdict.json from before a field with a default came up is the same verdict for whoever has that field."""
    content = json.loads(verdict(1).to_json())
    del content["aggregates"]
    (tmp_path / "old.json").write_text(json.dumps(content))
    old = read_verdict(tmp_path / "old.json")
    assert old.identity() != verdict(1).identity()
    assert verdict_id(old) == verdict_id(verdict(1))


def test_another_plan_is_another_verdict() -> None:
    full = verdict(1)
    stricter = full.model_copy(update={"policy": full.policy.model_copy(update={"alpha": 0.01})})
    margins = tuple(item.model_copy(update={"margin": 0.5}) for item in full.environments)
    others = [stricter, full.model_copy(update={"environments": margins}), full.model_copy(update={"benchmark": "b"})]
    assert len({verdict_id(one) for one in (full, *others)}) == 4
