"""Versions that need other packages: an environment of their own a lock, filled once, and nothing half done counts."""

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rlops.errors import RunsFailedError
from rlops.judge import Word
from rlops.launch import executor_for
from rlops.plan import Repository, Variant, read_benchmark, version, virtual_environment
from rlops.plan.benchmark import Dependencies
from rlops.workspace import Workspace
from tests.cli.commands import CommandLine
from tests.versions.quick import BASE, BENCHMARK, FIRST, HEAD, Gate, kinds, of_kind, trainer

INSTALL = '''
"""Installs what lock.txt names, as `name==version` lines: a module and its metadata. Counts its calls."""
import os, pathlib, sys, sysconfig

home = pathlib.Path.home()
with open(home / "installs", "a") as file:
    file.write(os.getcwd() + "\\n")
(home / "environment").write_text(repr(dict(os.environ)))
print("installing")
site = pathlib.Path(sysconfig.get_path("purelib"))
for line in open("lock.txt").read().split():
    name, _, number = line.partition("==")
    if number == "broken":
        print("ERROR: no matching distribution for", name)
        sys.exit(1)
    (site / f"{name}.py").write_text(f"version = {number!r}\\n")
    (site / f"{name}-{number}.dist-info").mkdir(exist_ok=True)
    (site / f"{name}-{number}.dist-info" / "METADATA").write_text(f"Name: {name}\\nVersion: {number}\\n")
'''
DEPENDENCIES = """
[dependencies]
lock = ["lock.txt"]
install = ["{python}", "install.py"]
"""
ONE = BENCHMARK.replace('["A-v0", "B-v0"]', '["A-v0"]').replace("packages = []", 'packages = ["library"]')


@pytest.fixture
def quick_venv(monkeypatch: pytest.MonkeyPatch) -> None:
    """Environments without pip, which take no seconds to make."""
    as_it_is = virtual_environment._run

    def run(command: list[str], *more: object) -> None:
        as_it_is([*command, "--without-pip"] if "venv" in command else command, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(virtual_environment, "_run", run)


@pytest.fixture
def locked(gate: Gate, quick_venv: None) -> Gate:
    """main asks for library 1; the branch `bump`, which is checked out, for library 2."""
    files = {"benchmarks/own.toml": ONE + DEPENDENCIES, "install.py": INSTALL, "lock.txt": "library==1\n"}
    gate.repository.commit("dependencies", **files)
    gate.repository.branch("bump")
    gate.repository.commit("Bump the library", **{"lock.txt": "library==2\n"})
    return gate


def version_of(gate: Gate, ref: str) -> Variant:
    Workspace(gate.repository.root, gate.store).prepare()
    found = Repository.around(gate.repository.root)
    benchmark = read_benchmark(gate.repository.root / "benchmarks" / "own.toml")
    return version(found, found.commit(ref), benchmark, gate.store)


def installs(gate: Gate) -> int:
    path = gate.repository.root.parent / "installs"
    return len(path.read_text().splitlines()) if path.exists() else 0


def venvs(gate: Gate) -> list[Path]:
    return [path for path in sorted((gate.store / "venvs").glob("*")) if path.is_dir()]


class TestWhoGetsOne:
    def test_not_the_version_whose_lock_is_the_checkout_s(self, locked: Gate) -> None:
        assert version_of(locked, "bump").python == sys.executable
        assert (venvs(locked), installs(locked)) == ([], 0)

    def test_the_one_whose_lock_differs(self, locked: Gate) -> None:
        variant = version_of(locked, "main")
        (folder,) = venvs(locked)
        assert variant.python == str(folder / "bin" / "python")
        assert installs(locked) == 1

    def test_the_versions_in_the_key_are_those_that_are_installed_there(self, locked: Gate) -> None:
        assert version_of(locked, "main").provenance.packages == {"library": "1"}
        assert version_of(locked, "bump").provenance.packages == {}, "rlops' own interpreter has none"

    def test_it_is_made_once_a_lock(self, locked: Gate) -> None:
        first = version_of(locked, "main")
        locked.repository.git("checkout", "--quiet", "main")
        locked.repository.commit("elsewhere", **{"README.md": "x"})
        locked.repository.git("checkout", "--quiet", "bump")
        assert version_of(locked, "main").python == version_of(locked, "main~1").python == first.python
        assert installs(locked) == 1

    def test_uncommitted_changes_of_the_lock_count(self, locked: Gate) -> None:
        locked.repository.write("lock.txt", "library==1\n")
        assert version_of(locked, "main").python == sys.executable
        assert version_of(locked, "bump").provenance.packages == {"library": "2"}

    def test_without_dependencies_nobody_gets_one_and_the_changed_files_are_said(self, gate: Gate) -> None:
        gate.repository.commit("no lock", **{"requirements.txt": "a==1\n", "sub/requirements.txt": "x"})
        gate.repository.branch("bump")
        gate.repository.commit(
            "bump", **{"requirements.txt": "a==2\n", "pyproject.toml": "[project]\n", "sub/requirements.txt": "y"}
        )
        verdict, _ = gate("bump")
        (finding,) = of_kind(verdict, "dependencies")
        assert finding.severity == "warning"
        assert finding.detail.startswith("pyproject.toml, requirements.txt changed, but both versions")
        assert venvs(gate) == []

    @given(st.lists(st.binary(max_size=3) | st.none(), min_size=2, max_size=2), st.sampled_from([("a",), ("a", "b")]))
    @settings(max_examples=30)
    def test_locks_are_equal_where_files_and_command_are(
        self, contents: Sequence[bytes | None], install: tuple[str, ...]
    ) -> None:
        import tempfile

        with tempfile.TemporaryDirectory() as name:
            found = []
            for number, content in enumerate(contents):
                root = Path(name) / str(number)
                root.mkdir()
                if content is not None:
                    (root / "lock").write_bytes(content)
                dependencies = Dependencies(lock=("lock",), install=(install, ("a",))[number])
                found.append(virtual_environment.lock_sha256(root, dependencies))
            assert (found[0] == found[1]) == (contents[0] == contents[1] and install == ("a",))

    def test_a_folder_of_locks_counts(self, tmp_path: Path) -> None:
        dependencies = Dependencies(lock=("requirements",), install=("true",))
        (tmp_path / "requirements").mkdir()
        (tmp_path / "requirements" / "base.txt").write_text("1")
        before = virtual_environment.lock_sha256(tmp_path, dependencies)
        (tmp_path / "requirements" / "base.txt").write_text("2")
        assert virtual_environment.lock_sha256(tmp_path, dependencies) != before


class TestTheGate:
    def trainer(self, package: str = "library") -> str:
        look = f"""
try:
    import {package}
except ImportError:
    level = 40
else:
    level = 100
"""
        return trainer("level + noise", before=look)

    def test_each_version_trains_in_its_own_and_again_nothing_is_installed(self, locked: Gate) -> None:
        """rlops' own interpreter has no `library`, so the bump's trainings end at 40."""
        repository = locked.repository
        repository.git("checkout", "--quiet", "main")
        text = ONE.replace('"-I", "-S", ', "") + DEPENDENCIES
        repository.commit("looks", **{"train.py": self.trainer(), "benchmarks/own.toml": text})
        repository.branch("bump2")
        repository.commit("Bump the library", **{"lock.txt": "library==2\n"})
        verdict, started = locked("bump2")
        assert (verdict.verdict, started) == (Word.REGRESSED, BASE + HEAD + FIRST)
        assert verdict.baseline.packages == {"library": "1"}
        assert "packages" in kinds(verdict)
        again, started = locked("bump2")
        assert (again.verdict, started, installs(locked)) == (Word.REGRESSED, 0, 1)

    @pytest.mark.parametrize("command", [["sh", "-c", "python train.py $0 $1"], ["python", "train.py"]])
    def test_a_command_that_finds_python_on_path_gets_it_from_there_too(
        self, locked: Gate, command: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Console scripts and shell scripts: the key says `library 1`, and it was trained without."""
        repository = locked.repository
        repository.git("checkout", "--quiet", "main")
        text = ONE.replace('["{python}", "-I", "-S", "train.py",', f"{json.dumps(command)[:-1]},") + DEPENDENCIES
        repository.commit("looks", **{"train.py": self.trainer(), "benchmarks/own.toml": text})
        repository.branch("bump2")
        repository.commit("Bump the library", **{"lock.txt": "library==2\n"})
        monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
        verdict, _ = locked("bump2")
        assert verdict.verdict is Word.REGRESSED


class TestAFailingInstallation:
    @pytest.fixture
    def broken(self, locked: Gate) -> Gate:
        locked.repository.git("checkout", "--quiet", "main")
        locked.repository.commit("broken", **{"lock.txt": "fine==1\nlibrary==broken\n"})
        locked.repository.branch("bump2")
        locked.repository.commit("bump", **{"lock.txt": "library==2\n"})
        return locked

    def test_is_exit_4_with_the_installer_s_last_lines(self, broken: Gate, rlops: CommandLine) -> None:
        ended = rlops("gate", "own", "--base", "main")
        assert (ended.code, ended.out) == (4, "")
        assert "could not be installed (exit code 1)" in ended.err
        assert "installing\nERROR: no matching distribution for library\n" in ended.err
        assert broken.repository.starts == []
        (log,) = (broken.store / "venvs").glob("*.log")
        assert str(log) in ended.err

    def test_leaves_nothing_that_counts(self, broken: Gate) -> None:
        for count in (1, 2):
            with pytest.raises(RunsFailedError):
                version_of(broken, "main")
            assert installs(broken) == count
        assert not list((broken.store / "venvs").glob("*/.ready"))

    def test_only_the_last_lines_and_no_secret_and_no_escape_is_shown(
        self, gate: Gate, quick_venv: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("INDEX_PASSWORD", "hunter2hunter2")
        noisy = "import sys\nfor i in range(100): print('line', i)\nprint('\\x1b[31mred hunter2hunter2')\nsys.exit(9)\n"
        files = {"benchmarks/own.toml": ONE + DEPENDENCIES, "install.py": noisy, "lock.txt": "1"}
        gate.repository.commit("noisy", **files)
        gate.repository.branch("bump")
        gate.repository.commit("bump", **{"lock.txt": "2"})
        with pytest.raises(RunsFailedError, match=r"\(exit code 9\)") as error:
            version_of(gate, "main")
        said = str(error.value)
        assert "line 99\nred [INDEX_PASSWORD]" in said
        assert "line 79" not in said
        assert "\x1b" not in said

    @pytest.mark.parametrize("install", ['["no-such-program"]', '["{python}", "no-such-file.py"]', '["install.py"]'])
    def test_a_command_that_cannot_be_started(self, gate: Gate, quick_venv: None, install: str) -> None:
        text = ONE + DEPENDENCIES.replace('["{python}", "install.py"]', install)
        gate.repository.commit("wrong", **{"benchmarks/own.toml": text, "install.py": INSTALL, "lock.txt": "1"})
        gate.repository.branch("bump")
        gate.repository.commit("bump", **{"lock.txt": "2"})
        with pytest.raises(RunsFailedError, match="could not be installed") as error:
            version_of(gate, "main")
        assert error.value.exit_code == 4

    def test_one_killed_half_way_is_made_again(self, locked: Gate) -> None:
        version_of(locked, "main")
        (folder,) = venvs(locked)
        (folder / ".ready").unlink()
        (folder / "half").touch()
        version_of(locked, "main")
        assert installs(locked) == 2
        assert not (folder / "half").exists()

    def test_one_thrown_away_is_made_again(self, locked: Gate) -> None:
        version_of(locked, "main")
        subprocess.run(["rm", "-r", str(locked.store / "venvs")], check=True)
        assert version_of(locked, "main").provenance.packages == {"library": "1"}
        assert installs(locked) == 2

    def test_one_whose_interpreter_is_gone_is_made_again(self, locked: Gate) -> None:
        """The Python it was made from was removed: bin/python is a link to it."""
        version_of(locked, "main")
        (folder,) = venvs(locked)
        for path in (folder / "bin").glob("python*"):
            path.unlink()
        assert version_of(locked, "main").provenance.packages == {"library": "1"}

    def test_a_command_in_the_message_can_be_pasted(self, gate: Gate, quick_venv: None) -> None:
        text = ONE + DEPENDENCIES.replace('"install.py"]', '"-c", "import sys; sys.exit(3)"]')
        gate.repository.commit("wrong", **{"benchmarks/own.toml": text, "lock.txt": "1"})
        gate.repository.branch("bump")
        gate.repository.commit("bump", **{"lock.txt": "2"})
        with pytest.raises(RunsFailedError) as error:
            version_of(gate, "main")
        assert "-c 'import sys; sys.exit(3)'" in str(error.value)


class TestWhatTheInstallerSees:
    def seen(self, gate: Gate) -> dict[str, str]:
        version_of(gate, "main")
        found = eval((gate.repository.root.parent / "environment").read_text())  # noqa: S307  (our own repr)
        assert isinstance(found, dict)
        return found

    def test_no_secret_and_nothing_that_chooses_other_code(self, locked: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
        secrets = {
            "GITHUB_TOKEN": "a", "WANDB_API_KEY": "b", "AWS_SECRET_ACCESS_KEY": "c", "PYTHONPATH": "/x", "NETRC": "d",
            "PYTHONSTARTUP": "e", "LD_PRELOAD": "", "TWINE_PASSWORD": "f", "RLOPS_DIR": "g", "GIT_DIR": "/nowhere",
        }  # fmt: skip
        for name, value in secrets.items():
            monkeypatch.setenv(name, value)
        seen = self.seen(locked)
        assert not secrets.keys() & seen.keys()
        assert {"PATH", "HOME"} <= seen.keys()

    def test_where_packages_come_from(self, locked: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
        theirs = {"PIP_INDEX_URL": "https://x", "UV_INDEX_URL": "https://y", "HTTPS_PROXY": "z", "SSL_CERT_FILE": "/c"}
        for name, value in theirs.items():
            monkeypatch.setenv(name, value)
        seen = self.seen(locked)
        assert {name: seen.get(name) for name in theirs} == theirs

    @pytest.mark.parametrize("name", ["UV_PUBLISH_TOKEN", "UV_PUBLISH_PASSWORD"])
    def test_no_token_that_publishes(self, locked: Gate, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(name, "pypi-secret")
        assert name not in self.seen(locked)

    def test_the_version_s_folder_is_where_it_runs(self, locked: Gate) -> None:
        variant = version_of(locked, "main")
        assert (locked.repository.root.parent / "installs").read_text().splitlines() == [str(variant.root)]


def test_two_processes_install_once(locked: Gate) -> None:
    program = (
        "from pathlib import Path; from rlops.plan import *; from rlops.plan import virtual_environment as v\n"
        "root = Path.cwd(); r = Repository.around(root); b = read_benchmark(root / 'benchmarks/own.toml')\n"
        "run = v._run; v._run = lambda c, *m: run([*c, '--without-pip'] if 'venv' in c else c, *m)\n"
        "print(version(r, r.commit('main'), b, root / '.rlops').provenance.packages)"
    )
    checkout = Path(__file__).resolve().parents[2]
    environment = {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], "PYTHONPATH": str(checkout)}
    children = [
        subprocess.Popen(
            [sys.executable, "-c", program], cwd=locked.repository.root, env=environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        for _ in range(2)
    ]  # fmt: skip
    ended = [child.communicate(timeout=120) for child in children]
    assert [out for out, _ in ended] == ["{'library': '1'}\n"] * 2, ended
    assert installs(locked) == 1


def wheel(folder: Path, number: str) -> None:
    """The smallest package that pip installs."""
    info = f"library-{number}.dist-info"
    with zipfile.ZipFile(folder / f"library-{number}-py3-none-any.whl", "w") as file:
        file.writestr("library.py", f"version = {number!r}\n")
        file.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: library\nVersion: {number}\n")
        file.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        file.writestr(f"{info}/RECORD", "")


def test_the_whole_way_with_pip_and_the_supervisor(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    repository = gate.repository
    (repository.root / "wheels").mkdir()
    wheel(repository.root / "wheels", "1")
    install = '["{python}", "-m", "pip", "install", "--no-index", "--find-links", "wheels", "-r", "requirements.txt"]'
    dependencies = f'[dependencies]\nlock = ["requirements.txt"]\ninstall = {install}\n'
    text = ONE.replace('"-I", "-S", ', "") + dependencies
    looks = trainer("(100 if library.version == '1' else 0) + noise", before="import library")
    repository.commit("main", **{"benchmarks/own.toml": text, "requirements.txt": "library==1\n", "train.py": looks})
    repository.branch("without")
    repository.commit("no library", **{"requirements.txt": "\n", "train.py": trainer("40 + noise")})
    monkeypatch.setattr("rlops.training.executor_for", executor_for)
    verdict, _ = gate("without")
    assert (verdict.verdict, verdict.failures) == (Word.REGRESSED, ())
    assert (verdict.baseline.packages, verdict.candidate.packages) == ({"library": "1"}, {})
