"""What the verbs print and write."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from rlops.cli.main import VERBS
from rlops.cli.main import rlops as command
from tests.cli.commands import ALIKE, COLLAPSED, STEADY, CommandLine, child_environment, table

BENCHMARK = """
environments = ["A-v1", "B-v1"]
budget = 10_000
code = ["bench.py"]
packages = []
command = ["{python}", "bench.py", "{env_id}", "{seed}"]
"""
HEAVY = (
    "torch",
    "wandb",
    "scipy",
    "pandas",
    "rich",
    "jinja2",
    "numpy",
    "pydantic",
    "gymnasium",
    "pyarrow",
    "ray",
    "submitit",
    "matplotlib",
)


@pytest.fixture
def tables(tmp_path: Path) -> tuple[str, str]:
    return (
        table(tmp_path / "good.csv", {"A-v1": STEADY, "B-v1": STEADY}),
        table(tmp_path / "bad.csv", {"A-v1": ALIKE, "B-v1": COLLAPSED}, first_seed=101),
    )


@pytest.fixture
def benchmark(tmp_path: Path) -> None:
    (tmp_path / "benchmarks").mkdir()
    (tmp_path / "bench.py").touch()
    (tmp_path / "benchmarks" / "bench.toml").write_text(BENCHMARK)


class TestHelp:
    @pytest.mark.parametrize("arguments", [["--help"], ["-h"], ["--version"]])
    def test_is_light(self, arguments: list[str], tmp_path: Path) -> None:
        program = (
            "import sys\nfrom rlops.cli.main import rlops\n"
            f"rlops.main({arguments}, standalone_mode=False)\n"
            f"print('heavy:', [name for name in {HEAVY} if name in sys.modules])"
        )
        out = subprocess.run(
            [sys.executable, "-c", program], env=child_environment(tmp_path), capture_output=True, text=True, check=True
        ).stdout
        assert out.endswith("heavy: []\n")

    def test_lists_every_verb_and_every_exit_code(self) -> None:
        out = CliRunner().invoke(command, ["--help"]).output
        for word in (*VERBS, " 0 ", " 1 ", " 2 ", " 3 ", " 4 ", " 5 ", " 70 ", "130", "143"):
            assert word in out

    @pytest.mark.parametrize("verb", [*([verb] for verb in VERBS), ["baseline", "save"], ["baseline", "list"]], ids=str)
    def test_every_verb_explains_itself(self, verb: list[str]) -> None:
        ended = CliRunner().invoke(command, [*verb, "--help"])
        assert ended.exit_code == 0
        assert ended.output.startswith("Usage: ")
        assert len(ended.output.splitlines()) > 5


class TestJson:
    """stdout is JSON and nothing else; whatever people want to read is on stderr."""

    def test_compare(self, rlops: CommandLine, tables: tuple[str, str]) -> None:
        ended = rlops("compare", *tables, "--json")
        record = json.loads(ended.out)
        assert (record["schema"], record["verdict"], record["exit_code"], ended.code) == (1, "regressed", 1, 1)
        words = {item["env_id"]: item["verdict"] for item in record["environments"]}
        assert words == {"A-v1": "equivalent", "B-v1": "regressed"}
        (path,) = rlops.folder.glob(".rlops/verdicts/*/verdict.json")
        assert json.loads(path.read_text()) == record

    def test_report(self, rlops: CommandLine, tables: tuple[str, str]) -> None:
        record = json.loads(rlops("compare", *tables, "--json").out)
        ended = rlops("report", "--json")
        assert ended.code == 0
        assert json.loads(ended.out) == record
        assert "B-v1" in ended.err

    @pytest.mark.usefixtures("benchmark")
    def test_baseline(self, rlops: CommandLine, tables: tuple[str, str]) -> None:
        assert json.loads(rlops("baseline", "list", "--json").out) == []
        rlops("baseline", "save", "bench", tables[0])
        assert json.loads(rlops("baseline", "list", "--json").out) == ["bench"]
        shown = json.loads(rlops("baseline", "show", "bench", "--json").out)
        assert shown == json.loads((rlops.folder / "baselines" / "bench.json").read_text())

    def test_an_error_leaves_stdout_empty(self, rlops: CommandLine) -> None:
        ended = rlops("compare", "nothing", "nothing", "--json")
        assert (ended.code, ended.out) == (5, "")


class TestReport:
    def test_is_markdown_where_the_name_says_so(self, rlops: CommandLine, tables: tuple[str, str]) -> None:
        rlops("compare", *tables, "--report", "comment.md")
        assert (rlops.folder / "comment.md").read_text().startswith("<!-- rlops:compare -->\n## ▼ Regression: B-v1")
        assert rlops("report", "--output", "again.md").code == 0
        assert (rlops.folder / "again.md").read_text() == (rlops.folder / "comment.md").read_text()

    def test_is_written_where_asked_and_into_the_store(self, rlops: CommandLine, tables: tuple[str, str]) -> None:
        ended = rlops("compare", *tables, "--report", "deep/er/r.html")
        (stored,) = rlops.folder.glob(".rlops/verdicts/*/report.html")
        written = rlops.folder / "deep" / "er" / "r.html"
        assert written.read_bytes() == stored.read_bytes()
        assert "deep/er/r.html" in ended.out
        assert written.read_text().startswith("<!doctype html>") or "<html" in written.read_text()[:200]

    def test_renders_a_stored_verdict_again_byte_for_byte(self, rlops: CommandLine, tables: tuple[str, str]) -> None:
        rlops("compare", *tables, "--report", "first.html")
        first = (rlops.folder / "first.html").read_bytes()
        (folder,) = rlops.folder.glob(".rlops/verdicts/*")
        (folder / "report.html").unlink()
        assert rlops("report").code == 0
        assert (folder / "report.html").read_bytes() == first
        assert rlops("report", str(folder), "-o", "a/b.html").code == 0
        assert (rlops.folder / "a" / "b.html").read_bytes() == first
        assert rlops("report", str(folder / "verdict.json"), "-o", "c.html").code == 0
        assert (rlops.folder / "c.html").read_bytes() == first

    def test_the_latest_is_the_one_written_last(self, rlops: CommandLine, tables: tuple[str, str]) -> None:
        import os

        rlops("compare", *tables)
        rlops("compare", tables[0], tables[0].replace("good", "bad"), "--budget", "9000")
        rlops("compare", tables[1], tables[1])
        paths = list(rlops.folder.glob(".rlops/verdicts/*/verdict.json"))
        assert len(paths) >= 2
        for number, path in enumerate(paths):
            os.utime(path, (1_000_000 + number, 1_000_000 + number))
        assert json.loads(rlops("report", "--json").out) == json.loads(paths[-1].read_text())

    def test_the_same_data_give_the_same_folder(self, rlops: CommandLine, tables: tuple[str, str]) -> None:
        rlops("compare", *tables)
        rlops("compare", *tables)
        assert len(list(rlops.folder.glob(".rlops/verdicts/*"))) == 1


class TestBaseline:
    @pytest.mark.usefixtures("benchmark")
    def test_save_show_list(self, rlops: CommandLine, tables: tuple[str, str]) -> None:
        assert "no baseline yet" in rlops("baseline", "list").out
        ended = rlops("baseline", "save", "bench", tables[0])
        assert ended.code == 0
        assert "written: baselines/bench.json; commit it" in ended.err
        assert rlops("baseline", "list").out == "bench\n"
        lines = rlops("baseline", "show", "bench").out.splitlines()
        assert lines[0].startswith("bench: charts/episodic_return, higher-is-better")
        assert [line.split()[:3] for line in lines[2:4]] == [["A-v1", "10", "100"], ["B-v1", "10", "100"]]

    @pytest.mark.usefixtures("benchmark")
    def test_a_saved_one_judges_like_the_table_it_was_made_of(
        self, rlops: CommandLine, tables: tuple[str, str]
    ) -> None:
        rlops("baseline", "save", "bench", tables[0])
        frozen = json.loads(rlops("compare", "bench", tables[1], "--benchmark", "bench", "--json").out)
        fresh = json.loads(rlops("compare", *tables, "--json").out)
        for before, now in zip(fresh["environments"], frozen["environments"], strict=True):
            assert (now["env_id"], now["verdict"]) == (before["env_id"], before["verdict"])
            for key in ("change", "interval", "margin", "scale", "spread", "mean_baseline", "mean_candidate"):
                assert now[key] == pytest.approx(before[key], rel=1e-9), key

    def test_show_of_a_missing_one_names_those_there_are(self, rlops: CommandLine) -> None:
        (rlops.folder / "baselines").mkdir()
        (rlops.folder / "baselines" / "quick.json").write_text("{}")
        ended = rlops("baseline", "show", "quik")
        assert ended.code == 5
        assert "did you mean quick?" in ended.err


class TestColor:
    def color(self, rlops: CommandLine, tables: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> bool:
        monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
        ended = rlops("compare", *tables)
        assert ended.code == 1
        return "\x1b[" in ended.out

    def test_on_a_terminal(self, rlops: CommandLine, tables: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("NO_COLOR", raising=False)
        assert self.color(rlops, tables, monkeypatch)

    def test_not_where_the_user_says_no(
        self, rlops: CommandLine, tables: tuple[str, str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("NO_COLOR", "1")
        assert not self.color(rlops, tables, monkeypatch)

    def test_not_in_a_pipe(self, rlops: CommandLine, tables: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("NO_COLOR", raising=False)
        assert "\x1b[" not in rlops("compare", *tables).out


class TestDirectory:
    def test_option_and_variable(
        self, rlops: CommandLine, tables: tuple[str, str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        rlops("compare", *tables, "--dir", "here")
        assert list(rlops.folder.glob("here/verdicts/*/verdict.json"))
        monkeypatch.setenv("RLOPS_DIR", str(rlops.folder / "there"))
        rlops("compare", *tables)
        assert list(rlops.folder.glob("there/verdicts/*/verdict.json"))
        assert not (rlops.folder / ".rlops").exists()


@pytest.mark.parametrize("verb", [["run", "bench"], ["compare", "a", "b"], ["report"], ["plan", "bench"]])
def test_a_store_of_a_newer_rlops_is_left_alone(verb: list[str], rlops: CommandLine) -> None:
    store = rlops.folder / ".rlops"
    store.mkdir()
    (store / "format").write_text("2\n")
    ended = rlops(*verb)
    assert ended.code == 2
    assert f"{store} was written by a newer rlops (store format 2, this one knows 1); use that version" in ended.err
    assert [path.name for path in store.iterdir()] == ["format"]
