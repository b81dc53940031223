"""`rlops doctor`: each thing that can be wrong is said, with what to do; what is right is not complained about."""

import http.server
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from importlib import metadata, util
from pathlib import Path

import pytest

from rlops import checks, ci, doctor, launch
from rlops.launch import environments
from tests.cli.commands import STEADY, CommandLine, child, table
from tests.plan.repositories import STYLES, build, commit, run_git

BENCHMARK = """
environments = ["A-v1", "B-v1"]
budget = 10_000
code = ["train.py"]
packages = []
command = ["{python}", "train.py", "{env_id}", "{seed}"]
"""
SECRET = "0123456789abcdef0123456789abcdef01234567"  # noqa: S105  (of nobody)
GATE = """
on: pull_request
jobs:
  other:
    steps:
      - uses: actions/checkout@v4
  gate:
    runs-on: x
    steps:
      - name: get it
        uses: actions/checkout@v4 # fetch-depth: 0
        with:
          persist-credentials: false
          fetch-depth: 0
      - uses: me/rlops@0123456789abcdef0123456789abcdef01234567
        with:
          benchmark: bench
"""


@pytest.fixture(autouse=True)
def _no_environments(monkeypatch: pytest.MonkeyPatch) -> None:
    """Most tests have made-up environments; gymnasium is asked in a few."""
    monkeypatch.setattr(launch, "try_environments", dict.fromkeys)
    if hasattr(checks._unreachable, "cache_clear"):
        checks._unreachable.cache_clear()
    for name in ("GITHUB_ACTIONS", "GITHUB_TOKEN", "NETRC"):
        monkeypatch.delenv(name, raising=False)


def looked_at(rlops: CommandLine, *arguments: str) -> dict[str, list[tuple[str, str, str]]]:
    """(status, detail, advice) by the name of the check, without those of this machine."""
    ended = rlops("doctor", "--json", *arguments)
    found: dict[str, list[tuple[str, str, str]]] = {}
    statuses = set()
    for row in json.loads(ended.out):
        assert row.keys() == {"check", "status", "detail", "advice"}
        assert row["status"] in {"ok", "warning", "missing"}
        assert (row["status"] == "ok") == (not row["advice"]), row
        statuses.add(row["status"])
        found.setdefault(row["check"], []).append((row["status"], row["detail"], row["advice"]))
    assert ended.code == (2 if "missing" in statuses else 0)
    return found


def write(rlops: CommandLine, text: str = BENCHMARK, name: str = "bench") -> None:
    build(rlops.folder, {"train.py": "", f"benchmarks/{name}.toml": text}, git=False)


class TestAnywhere:
    def test_an_empty_folder_outside_of_git(self, rlops: CommandLine) -> None:
        ended = rlops("doctor")
        assert ended.code == 0
        lines = ended.out.splitlines()
        assert [line[:30] for line in lines] == [
            f"ok       python: {sys.version.split()[0]} ({sys.executable}), rlops"[:30],
            "warning  git: this folder is in no repository"[:30],
            f"ok       store: {rlops.folder}"[:30],
            f"ok       cores: {len(os.sched_getaffinity(0))} of this machine's"[:30],
            "warning  benchmarks: there is no file in benchmarks/ -> rlops init"[:30],
            "warning  ci: no workflow in .github/workflows calls rlops"[:30],
        ]
        assert "-> rlops init" in lines[4]
        assert ended.err == "0 missing, 3 warnings, 3 ok\n"
        assert list(rlops.folder.iterdir()) == []

    def test_without_benchmarks_it_loads_nothing_slow(self, tmp_path: Path) -> None:
        program = (
            "import sys\nfrom rlops.cli.main import rlops\nrlops.main(['doctor'], standalone_mode=False)\n"
            "print('heavy:', [n for n in ('torch', 'wandb', 'scipy', 'pandas', 'gymnasium') if n in sys.modules])"
        )
        ended = child(tmp_path, program=("-c", program))
        assert ended.out.endswith("heavy: []\n"), ended.out + ended.err

    def test_what_init_wrote(self, rlops: CommandLine) -> None:
        rlops.monkeypatch.setattr(checks, "installed_versions", lambda names: dict.fromkeys(names, "1"))
        rlops.monkeypatch.setattr(ci, "installed_from", lambda: f"me/rlops@{SECRET}")
        build(rlops.folder, STYLES["argparse"])
        rlops("init")
        commit(rlops.folder)
        found = looked_at(rlops)
        assert {name for name, rows in found.items() if rows[0][0] != "ok"} == {"benchmark ppo: baseline"}

    def test_a_second_look_finds_the_same(self, rlops: CommandLine) -> None:
        write(rlops)
        first = rlops("doctor", "--json").out
        assert rlops("doctor", "--json").out == first

    def test_colors(self, rlops: CommandLine) -> None:
        rlops.monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
        rlops.monkeypatch.delenv("NO_COLOR", raising=False)
        assert "\x1b[" in rlops("doctor").out
        rlops.monkeypatch.setenv("NO_COLOR", "1")
        assert "\x1b[" not in rlops("doctor").out

    def test_what_a_stranger_wrote_is_one_line_and_moves_no_cursor(self, rlops: CommandLine) -> None:
        write(rlops, BENCHMARK.replace('["train.py"]', '["a\\u001b[2J\\nok  all is well"]'))
        out = rlops("doctor").out
        assert "\x1b" not in out
        assert all(line.startswith(("ok ", "warning ", "missing ")) for line in out.splitlines())
        assert not any(line.startswith("ok  all") for line in out.splitlines())


class TestGit:
    def test_a_repository(self, rlops: CommandLine) -> None:
        build(rlops.folder, {"a.txt": ""})
        assert looked_at(rlops)["git"] == [("warning", f"{rlops.folder} has no commit yet", "commit something")]
        commit(rlops.folder)
        found = looked_at(rlops)
        ((status, detail, _),) = found["git"]
        assert (status, detail.endswith(" on main")) == ("ok", True)
        assert found["git: default branch"] == [("ok", "there is no remote called origin", "")]
        run_git(rlops.folder, "checkout", "--detach")
        assert looked_at(rlops)["git"][0][1].endswith(", no branch")

    def test_a_shallow_clone(self, rlops: CommandLine) -> None:
        origin = build(rlops.folder.parent / "origin", {"a.txt": "1"})
        commit(origin)
        (origin / "a.txt").write_text("2")
        commit(origin)
        shutil.rmtree(rlops.folder)
        run_git(origin, "clone", "--depth", "1", f"file://{origin}", str(rlops.folder))
        found = looked_at(rlops)
        assert found["git: history"][0][2] == "git fetch --unshallow"
        assert found["git: default branch"][0] == ("ok", "origin/main: rlops gate NAME --base origin/main", "")
        run_git(rlops.folder, "fetch", "--unshallow")
        run_git(rlops.folder, "remote", "set-head", "origin", "--delete")
        found = looked_at(rlops)
        assert "git: history" not in found
        assert found["git: default branch"][0][::2] == ("warning", "git remote set-head origin --auto")
        shutil.rmtree(origin)

    def test_one_that_git_refuses(self, rlops: CommandLine) -> None:
        (rlops.folder / ".git").mkdir()
        assert looked_at(rlops)["git"] == [("warning", "git refuses this repository", "git status says why")]

    def test_without_git(self, rlops: CommandLine) -> None:
        write(rlops)
        rlops.monkeypatch.setenv("PATH", str(rlops.folder))
        found = looked_at(rlops)
        assert found["git"][0][:2] == ("warning", "git is not on PATH")
        assert found["benchmark bench"][0][0] == "ok"


class TestStore:
    def test_a_file_in_its_place(self, rlops: CommandLine) -> None:
        (rlops.folder / "taken").touch()
        found = looked_at(rlops, "--dir", "taken")
        assert found["store"][0] == (
            "missing", f"{rlops.folder / 'taken'}: Not a directory", "choose another place: --dir, RLOPS_DIR",
        )  # fmt: skip

    def test_a_place_that_cannot_be_written(self, rlops: CommandLine) -> None:
        assert looked_at(rlops, "--dir", "/proc/rlops")["store"][0][0] == "missing"

    def test_little_space(self, rlops: CommandLine) -> None:
        rlops.monkeypatch.setattr(doctor, "LITTLE_SPACE", 10**18)
        ((status, detail, _),) = looked_at(rlops)["store"]
        assert (status, "GB free" in detail) == ("warning", True)

    def test_git(self, rlops: CommandLine) -> None:
        build(rlops.folder, {})
        assert looked_at(rlops)["store: git"] == [
            ("warning", "git does not ignore .rlops/ yet", "rlops init, or .rlops/ in .gitignore")
        ]
        (rlops.folder / ".gitignore").write_text(".rlops/\n")
        assert looked_at(rlops)["store: git"] == [("ok", "git ignores .rlops/", "")]
        build(rlops.folder, {".rlops/a": "", ".rlops/b": ""}, git=False)
        run_git(rlops.folder, "add", "--force", ".rlops")
        assert looked_at(rlops)["store: git"] == [("warning", "2 files of it are in git", "git rm -r --cached .rlops")]
        assert "store: git" not in looked_at(rlops, "--dir", "../elsewhere")


class TestBenchmarks:
    def test_all_errors_of_all_files(self, rlops: CommandLine) -> None:
        write(rlops, "budget = 1\nenvironmens = []\n", "one")
        write(rlops, "not TOML", "two")
        found = looked_at(rlops)
        details = [detail for _, detail, _ in found["benchmark one"]]
        assert all(status == "missing" for status, _, _ in found["benchmark one"])
        assert any("unknown key; did you mean environments?" in detail for detail in details)
        assert any("command: this key is missing" in detail for detail in details)
        assert any(":1: budget: " in detail for detail in details)
        assert "is not valid TOML" in found["benchmark two"][0][1]

    def test_one_that_is_right(self, rlops: CommandLine) -> None:
        write(rlops)
        found = looked_at(rlops)
        assert found["benchmark bench"] == [("ok", "2 environments, 10,000 steps", "")]
        assert found["benchmark bench: code"] == [("ok", "train.py", "")]
        assert found["benchmark bench: command"] == [("ok", "{python} train.py {env_id} {seed}", "")]
        assert found["benchmark bench: environments"] == [("ok", "gymnasium makes A-v1, B-v1", "")]
        assert found["benchmark bench: wandb"] == [("ok", "offline: there is nothing to reach", "")]

    def test_one_that_is_not_in_git(self, rlops: CommandLine) -> None:
        build(rlops.folder, {"a.txt": ""})
        commit(rlops.folder)
        write(rlops)
        assert looked_at(rlops)["benchmark bench"][0][:2] == ("warning", "the file is not in git yet")
        commit(rlops.folder)
        assert looked_at(rlops)["benchmark bench"][0][0] == "ok"

    def test_code(self, rlops: CommandLine) -> None:
        write(rlops, BENCHMARK.replace('["train.py"]', '["gone", "train.py", "gone.lock", "/no/such"]'))
        outside, gone = looked_at(rlops)["benchmark bench: code"]
        assert outside[:2] == ("missing", f"/no/such: outside of {rlops.folder}")
        assert gone[:2] == ("missing", f"gone, gone.lock: not in {rlops.folder}")
        write(rlops, f'{BENCHMARK}[dependencies]\nlock = ["train.py", "l.txt"]\ninstall = ["true"]\n')
        (lock,) = looked_at(rlops)["benchmark bench: code"]
        assert lock == ("missing", f"l.txt: not in {rlops.folder}", "mend `dependencies.lock`")

    @pytest.mark.parametrize(
        ("command", "said"),
        [
            (["{python}", "train.py", "{env_id}", "{seed}"], None),
            (["{python}", "-m", "train", "{env_id}", "{seed}"], None),
            (["{python}", "-u", "-m", "deep.er", "{env_id}", "{seed}"], None),
            (["{python}", "-m", "below", "{env_id}", "{seed}"], None),
            (["{python}", "-m", "json.tool", "{env_id}", "{seed}"], None),
            (["{python}", "{env_id}.py", "{seed}"], None),
            (["sh", "-m", "nowhere", "{env_id}", "{seed}"], None),
            (["./tool", "{env_id}", "{seed}"], None),
            (["{python}", "trian.py", "{env_id}", "{seed}"], "there is no file trian.py in"),
            (["sh", "x/y.py", "{env_id}", "{seed}"], "there is no file x/y.py in"),
            (["{python}", "-m", "nowhere.at_all", "{env_id}", "{seed}"], "there is no module nowhere.at_all"),
            (["{python}", "-m", ".x", "{env_id}", "{seed}"], "there is no module .x"),
            (["no-such-program", "{env_id}", "{seed}"], "no-such-program is not on PATH"),
            (["./train.py", "{env_id}", "{seed}"], "./train.py is not on PATH"),
            (["{python}", "train.py", "--algo", "CHANGE-ME", "{env_id}", "{seed}"], "CHANGE-ME stands in it"),
        ],
        ids=str,
    )
    def test_command(self, command: list[str], said: str | None, rlops: CommandLine) -> None:
        files = {"train.py": "", "deep/er.py": "", "lib/below/__main__.py": "", "tool": ""}
        build(rlops.folder, files, git=False)
        (rlops.folder / "tool").chmod(0o755)
        text = BENCHMARK.replace('["{python}", "train.py", "{env_id}", "{seed}"]', json.dumps(command))
        write(rlops, f'{text}[variables]\nPYTHONPATH = "lib"\n')
        rows = looked_at(rlops)["benchmark bench: command"]
        assert len(rows) == 1
        assert (rows[0][0] == "ok", said is None or rows[0][1].startswith(said)) == (said is None, True), rows
        assert not (rlops.folder / "EXECUTED").exists()

    def test_packages(self, rlops: CommandLine) -> None:
        text = BENCHMARK.replace("packages = []", 'packages = ["numpy", "pydantik", "no-such-thing-at-all"]')
        write(rlops, text)
        near, none, there = looked_at(rlops)["benchmark bench: packages"]
        assert near[0] == "missing"
        assert near[1].startswith(
            "pydantik is not installed beside rlops, so its version decides nothing; did you mean"
        )
        assert none[:2] == (
            "missing", "no-such-thing-at-all is not installed beside rlops, so its version decides nothing",
        )  # fmt: skip
        assert there == ("ok", f"numpy {metadata.version('numpy')}", "")
        write(rlops, text.replace('"{python}"', '"sh"'))
        assert [row[0] for row in looked_at(rlops)["benchmark bench: packages"]] == ["warning", "warning", "ok"]

    def test_packages_that_nobody_asked_for(self, rlops: CommandLine) -> None:
        rlops.monkeypatch.setattr(checks, "installed_versions", lambda names: {"numpy": "2"})
        write(rlops, BENCHMARK.replace("packages = []", ""))
        assert [row[0] for row in looked_at(rlops)["benchmark bench: packages"]] == ["warning", "warning", "ok"]

    def test_no_packages(self, rlops: CommandLine) -> None:
        rlops.monkeypatch.setattr(checks, "installed_versions", lambda names: {})
        write(rlops)
        assert looked_at(rlops)["benchmark bench: packages"][0][0] == "warning"

    def test_cores(self, rlops: CommandLine) -> None:
        rlops.monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(6)))
        for cores, status, said in (
            (2, "ok", "3 processes at once"),
            (6, "ok", "1 processes"),
            (7, "warning", "7 cores"),
        ):
            write(rlops, f"{BENCHMARK}[resources]\ncores = {cores}\n")
            ((found, detail, _),) = looked_at(rlops)["benchmark bench: cores"]
            assert (found, said in detail) == (status, True), detail


class TestEnvironments:
    def test_what_gymnasium_says(self, rlops: CommandLine) -> None:
        answers = {
            "A-v1": None,
            "B-v1": "NameNotFound: no B. Did you mean: `A`?",
            "C": "DependencyNotInstalled: get it",
        }
        rlops.monkeypatch.setattr(launch, "try_environments", lambda _: answers)
        write(rlops)
        unknown, lacking, made = looked_at(rlops)["benchmark bench: environments"]
        assert unknown[:2] == ("warning", "gymnasium cannot make B-v1: NameNotFound: no B. Did you mean: `A`?")
        assert lacking == ("missing", "C: get it", "install it")
        assert made == ("ok", "gymnasium makes A-v1", "")

    @pytest.mark.parametrize(
        ("program", "said"), [('"sh"', "another environment (sh)"), ('"{python}"', "not installed")]
    )
    def test_not_tried(self, program: str, said: str, rlops: CommandLine) -> None:
        rlops.monkeypatch.setattr(launch, "try_environments", lambda _: None)
        write(rlops, BENCHMARK.replace('"{python}"', program))
        ((status, detail, _),) = looked_at(rlops)["benchmark bench: environments"]
        assert (status, detail.startswith("not tried: "), said in detail) == ("ok", True, True)

    @pytest.mark.skipif(util.find_spec("gymnasium") is None, reason="gymnasium is an optional part")
    def test_real_ones(self) -> None:
        found = environments.try_environments(["CartPole-v1", "CartPol-v1", "no_such_module:A-v0", "CartPole-v9"])
        assert found is not None
        assert found["CartPole-v1"] is None
        assert "Did you mean: `CartPole`?" in str(found["CartPol-v1"])
        assert "no_such_module" in str(found["no_such_module:A-v0"])
        assert "CartPole" in str(found["CartPole-v9"])

    def test_without_gymnasium(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(environments.util, "find_spec", lambda _: None)
        assert environments.try_environments(["CartPole-v1"]) is None

    @pytest.mark.parametrize(
        ("program", "answer"),
        [
            ("print('[\"A\", null]')", None),
            ("print('noise'); print('[1]'); print('[\"A\", \"a\\\\u001b[2J\\\\nb\"]', flush=True); os._exit(3)", "a b"),
            ("os.abort()", environments.NO_ANSWER),
            ("print('[\"A\", null]', flush=True); time.sleep(600)", None),
            ("time.sleep(600)", environments.NO_ANSWER),
            ("os.fork(); time.sleep(600)", environments.NO_ANSWER),
            ("print([name for name in os.environ if 'KEY' in name] and 'x' or '[\"A\", null]')", None),
        ],
    )
    def test_whatever_an_environment_does(
        self, program: str, answer: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = tmp_path / "program.py"
        path.write_text(f"import os, time\nopen({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid()))\n{program}\n")
        monkeypatch.setattr(environments, "PROGRAM", path)
        monkeypatch.setattr(environments.util, "find_spec", lambda _: True)
        monkeypatch.setenv("WANDB_API_KEY", SECRET)
        assert environments.try_environments(["A"], seconds=2) == {"A": answer}
        group = int((tmp_path / "pid").read_text())
        for _ in range(100):  # a killed child's own child is reaped by init, a moment later
            try:
                os.killpg(group, 0)
            except ProcessLookupError:
                return
            time.sleep(0.05)
        pytest.fail("the environment's process lives on")


class TestBaseline:
    @pytest.fixture
    def saved(self, rlops: CommandLine) -> None:
        write(rlops)
        reference = table(rlops.folder / "steady.csv", {"A-v1": STEADY, "B-v1": STEADY[:6]})
        assert rlops("baseline", "save", "bench", reference).code == 0

    def test_none_yet(self, rlops: CommandLine) -> None:
        write(rlops)
        (row,) = looked_at(rlops)["benchmark bench: baseline"]
        assert row[:2] == ("warning", "there is no baselines/bench.json")
        assert row[2].startswith("rlops baseline save bench;")
        write(rlops, f'baseline = "other"\n{BENCHMARK}')
        assert looked_at(rlops)["benchmark bench: baseline"][0][2].startswith(
            "rlops baseline save other --benchmark bench;"
        )

    @pytest.mark.usefixtures("saved")
    def test_one_that_fits(self, rlops: CommandLine) -> None:
        assert looked_at(rlops)["benchmark bench: baseline"] == [
            ("ok", "baselines/bench.json: 6 to 10 seeds on 2 environments", "")
        ]

    @pytest.mark.usefixtures("saved")
    def test_environments_that_the_benchmark_no_longer_has_do_not_count(self, rlops: CommandLine) -> None:
        write(rlops, BENCHMARK.replace(', "B-v1"', ""))
        assert looked_at(rlops)["benchmark bench: baseline"] == [
            ("ok", "baselines/bench.json: 10 seeds on 1 environment", "")
        ]

    @pytest.mark.usefixtures("saved")
    @pytest.mark.parametrize(
        ("change", "status", "said"),
        [
            (("10_000", "5_000"), "missing", "A-v1: the budget of the baseline is 10000, the benchmark's is 5000"),
            (('"B-v1"', '"C-v1"'), "missing", "it has no C-v1"),
            (("packages = []", 'metric.name = "score"\npackages = []'), "missing", "the metric of the baseline is"),
            (
                ("packages = []", "margins.spreads = 9.0\npackages = []"),
                "warning",
                "the benchmark's [margins] were changed",
            ),
        ],
    )
    def test_one_of_another_definition(
        self, change: tuple[str, str], status: str, said: str, rlops: CommandLine
    ) -> None:
        write(rlops, BENCHMARK.replace(*change))
        rows = looked_at(rlops)["benchmark bench: baseline"]
        assert [row[0] for row in rows if row[1].startswith(said)] == [status]
        assert all("rlops baseline save bench" in row[2] for row in rows if row[0] == "missing")

    @pytest.mark.usefixtures("saved")
    def test_one_that_is_broken(self, rlops: CommandLine) -> None:
        (rlops.folder / "baselines" / "bench.json").write_text("{")
        (row,) = looked_at(rlops)["benchmark bench: baseline"]
        assert (row[0], "is not a baseline file" in row[1]) == ("missing", True)


class Server(http.server.BaseHTTPRequestHandler):
    def do_HEAD(self) -> None:
        self.send_response(404)
        self.end_headers()

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def server() -> Iterator[str]:
    with http.server.HTTPServer(("127.0.0.1", 0), Server) as served:
        threading.Thread(target=served.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{served.server_port}"
        served.shutdown()


class TestWandb:
    def online(self, rlops: CommandLine, server: str) -> list[tuple[str, str, str]]:
        write(rlops, f'{BENCHMARK}[wandb]\nmode = "online"\n')
        rlops.monkeypatch.setenv("WANDB_BASE_URL", server)
        ended = rlops("doctor")
        assert SECRET not in ended.out + ended.err
        return looked_at(rlops)["benchmark bench: wandb"]

    def test_key_and_server(self, rlops: CommandLine, server: str) -> None:
        """Any answer is one: 404, too."""
        rlops.monkeypatch.setenv("WANDB_API_KEY", SECRET)
        assert self.online(rlops, server) == [
            ("ok", "online, WANDB_API_KEY is set", ""),
            ("ok", f"{server} answers", ""),
        ]

    def test_the_server_that_wandb_takes_when_none_is_named(self, rlops: CommandLine) -> None:
        rlops.monkeypatch.setattr(checks, "_unreachable", lambda _: None)
        write(rlops, f'{BENCHMARK}[wandb]\nmode = "online"\n')
        key, reachable = looked_at(rlops)["benchmark bench: wandb"]
        assert key[:2] == ("missing", "there is no API key for https://api.wandb.ai")
        assert reachable == ("ok", "https://api.wandb.ai answers", "")

    def test_no_key(self, rlops: CommandLine, server: str) -> None:
        key, reachable = self.online(rlops, server)
        assert key == ("missing", f"there is no API key for {server}", "wandb login, or set WANDB_API_KEY")
        assert reachable[0] == "ok"

    @pytest.mark.parametrize(("name", "variable"), [(".netrc", None), ("_netrc", None), ("mine", "NETRC")])
    def test_a_key_in_the_netrc_file(self, name: str, variable: str | None, rlops: CommandLine, server: str) -> None:
        path = rlops.folder / name
        path.write_text(f"machine 127.0.0.1\n  login user\n  password {SECRET}\n")
        path.chmod(0o600)
        if variable:
            rlops.monkeypatch.setenv(variable, str(path))
        assert self.online(rlops, server)[0] == ("ok", "online, the netrc file has a key for 127.0.0.1", "")
        path.write_text("machine example.org\n  login user\n  password x\n")
        assert self.online(rlops, server)[0][0] == "missing"
        path.write_text("what is this")
        assert self.online(rlops, server)[0][0] == "missing"

    @pytest.mark.parametrize("address", ["closed", "file:///etc/passwd", "nonsense", "http://[::1"])
    def test_a_server_that_cannot_be_reached(self, address: str, rlops: CommandLine) -> None:
        rlops.monkeypatch.setenv("WANDB_API_KEY", SECRET)
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            here = f"http://127.0.0.1:{closed.getsockname()[1]}"
            row = self.online(rlops, here if address == "closed" else address)[1]
        assert row[0] == "missing"
        assert "cannot be reached" in row[1]

    def test_one_that_never_answers_is_not_waited_for(self, rlops: CommandLine) -> None:
        rlops.monkeypatch.setattr(checks, "PATIENCE_SECONDS", 0.2)
        with socket.socket() as silent:
            silent.bind(("127.0.0.1", 0))
            silent.listen()
            assert self.online(rlops, f"http://127.0.0.1:{silent.getsockname()[1]}")[1][0] == "missing"

    def test_offline_benchmarks_ask_nobody(self, rlops: CommandLine) -> None:
        def asked(*_: object, **__: object) -> None:
            pytest.fail("the network was asked")

        rlops.monkeypatch.setattr(socket.socket, "connect", asked)
        write(rlops)
        assert rlops("doctor").code == 0


class TestCi:
    def checked(self, rlops: CommandLine, text: str, name: str = "gate.yml") -> list[tuple[str, str, str]]:
        path = rlops.folder / ".github" / "workflows" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        write(rlops)
        return looked_at(rlops).get(f"ci: {name}", [])

    def test_one_that_is_right(self, rlops: CommandLine) -> None:
        """Checkouts of other jobs, and of other workflows, may be shallow."""
        assert self.checked(rlops, GATE) == [("ok", "calls rlops", "")]
        assert self.checked(rlops, GATE.partition("  gate:")[0], "tests.yml") == []

    @pytest.mark.parametrize("call", ["rlops gate bench --base origin/main", "python -m rlops gate bench"])
    def test_calls(self, call: str, rlops: CommandLine) -> None:
        text = GATE.partition("      - uses: me/rlops")[0] + f"      - run: {call}\n"
        assert self.checked(rlops, text, "x.yaml") == [("ok", "calls rlops", "")]
        shallow = self.checked(rlops, text.replace("          fetch-depth: 0", ""), "x.yaml")
        assert [row[0] for row in shallow] == ["warning"]

    @pytest.mark.parametrize(
        ("change", "status", "said"),
        [
            (
                ("me/rlops@0123456789abcdef0123456789abcdef01234567", "OWNER/rlops@COMMIT"),
                "missing",
                "OWNER/rlops@COMMIT",
            ),
            (("          fetch-depth: 0", ""), "warning", "the last commit alone"),
            (("          fetch-depth: 0", "          fetch-depth: 01"), "warning", "the last commit alone"),
            (("          fetch-depth: 0", "          # fetch-depth: 0"), "warning", "the last commit alone"),
            (("benchmark: bench", "benchmark: bnech"), "missing", "there is no benchmarks/bnech.toml"),
            (("benchmark: bench", "benchmark: 'bnech' # EDIT"), "missing", "there is no benchmarks/bnech.toml"),
        ],
    )
    def test_one_that_is_wrong(self, change: tuple[str, str], status: str, said: str, rlops: CommandLine) -> None:
        assert change[0] in GATE
        (row,) = self.checked(rlops, GATE.replace(*change))
        assert (row[0], said in row[1]) == (status, True), row

    @pytest.mark.parametrize(
        "change",
        [
            ("          fetch-depth: 0", "          fetch-depth: '0'"),
            ("benchmark: bench", 'benchmark: "bench"'),
            ("benchmark: bench", "benchmark: elsewhere/other.toml"),
            ("benchmark: bench", "benchmark: other\n          working-directory: sub"),
        ],
    )
    def test_one_that_is_right_in_another_way(self, change: tuple[str, str], rlops: CommandLine) -> None:
        assert self.checked(rlops, GATE.replace(*change))[0][0] == "ok"

    def test_the_shipped_recipes(self, rlops: CommandLine) -> None:
        for recipe in sorted((Path(ci.__file__).parent / "recipes").glob("*.yml")):
            rows = self.checked(rlops, recipe.read_text().replace("quick", "bench"), recipe.name)
            assert {row[1] for row in rows if row[0] != "ok"} <= {"it still says OWNER/rlops@COMMIT"}, recipe.name
            assert rows, recipe.name

    @pytest.mark.parametrize("text", ["", "jobs:", "\x00\xff", "jobs:\n" * 1000, "- uses: a/rlops@x\n" * 10, "{" * 999])
    def test_files_that_are_no_workflows(self, text: str, rlops: CommandLine) -> None:
        self.checked(rlops, text)

    def test_below_the_top_of_a_repository(self, rlops: CommandLine) -> None:
        build(
            rlops.folder,
            {".github/workflows/gate.yml": GATE, "sub/train.py": "", "sub/benchmarks/bench.toml": BENCHMARK},
        )
        rlops.folder = rlops.folder / "sub"
        assert looked_at(rlops)["ci: gate.yml"][0][0] == "ok"

    def test_the_token_only_inside_of_actions(self, rlops: CommandLine) -> None:
        assert "ci: token" not in looked_at(rlops)
        rlops.monkeypatch.setenv("GITHUB_ACTIONS", "true")
        assert looked_at(rlops)["ci: token"][0][0] == "warning"
        rlops.monkeypatch.setenv("GITHUB_TOKEN", SECRET)
        ended = rlops("doctor")
        assert "ok       ci: token: GITHUB_TOKEN is set" in ended.out
        assert SECRET not in ended.out


def test_nothing_of_the_repository_is_run(rlops: CommandLine) -> None:
    build(rlops.folder, STYLES["package"])
    rlops("init")
    started = []
    popen = subprocess.Popen.__init__

    def watched(self: object, arguments: list[str], *rest: object, **options: object) -> None:
        started.append(arguments[0])
        popen(self, arguments, *rest, **options)

    rlops.monkeypatch.setattr(subprocess.Popen, "__init__", watched)
    rlops("doctor")
    assert set(started) == {"git"}
    assert not list(rlops.folder.rglob("EXECUTED"))
