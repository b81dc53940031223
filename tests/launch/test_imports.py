"""The recorder inside of trainers, and the judge of what it wrote down."""

import json
import os
import subprocess
import sys
import sysconfig
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rlops.launch.imports import RECORDER, packages_of, wrong_code


@dataclass
class Recorded:
    """A program that ran with the recorder: how it ended, and a record a process."""

    code: int
    out: str
    err: str
    records: list[dict[str, Any]]

    @property
    def modules(self) -> dict[str, str]:
        return {name: path for record in self.records for name, path in record["modules"].items()}


def record(folder: Path, program: str, *flags: str, path: str = "", **variables: str) -> Recorded:
    """Run a program in `folder`; `path`: more of PYTHONPATH."""
    cell = folder / "cell"
    cell.mkdir(exist_ok=True)
    (folder / "program.py").write_text(textwrap.dedent(program))
    search = os.pathsep.join(filter(None, [str(RECORDER), path]))
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": search, "RLOPS_IMPORTS": str(cell), **variables}
    done = subprocess.run(
        [sys.executable, *flags, "program.py"],
        cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert not list(cell.glob("*.partial"))
    records = [json.loads(file.read_text()) for file in sorted(cell.glob("imports-*.json"))]
    return Recorded(done.returncode, done.stdout, done.stderr, records)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """With the module `mine`, and the namespace package `space.inner`."""
    (tmp_path / "mine.py").write_text("")
    (tmp_path / "space" / "inner").mkdir(parents=True)
    (tmp_path / "space" / "inner" / "deep.py").write_text("")
    return tmp_path


class TestTheRecorder:
    @pytest.mark.parametrize(
        ("end", "code"),
        [
            ("", 0), ("sys.exit(3)", 3), ("raise KeyError('x')", 1), ("os._exit(7)", 7), ("os._exit(status=0)", 0),
            ("from os import _exit; _exit(5)", 5), ("os.chdir('/')", 0), ("sys.path.clear()", 0), ("del sys.path", 0),
            ("import builtins; del builtins.open", 0), ("sys.stdout.close()", 0), ("os.chdir('/'); os._exit(0)", 0),
            ("import threading; threading.Thread(target=lambda: None).start()", 0), ("os.environ.clear()", 0),
        ],
    )  # fmt: skip
    def test_however_a_process_ends_its_modules_are_known_and_nothing_of_it_changes(
        self, folder: Path, end: str, code: int
    ) -> None:
        found = record(folder, f"import os, sys, mine\nprint('out', flush=True)\n{end}")
        assert (found.code, found.out) == (code, "out\n")
        assert bool(found.err) == ("raise" in end)
        (only,) = found.records
        if "builtins" not in end:
            assert only["done"] is True
            assert only["modules"]["mine"] == str((folder / "mine.py").resolve())
            assert sysconfig.get_path("purelib") in only["installed"]

    def test_the_script_itself_is_known(self, folder: Path) -> None:
        """`command = ["{python}", "/home/me/checkout/train.py", ...]` trains one version for all."""
        assert record(folder, "import mine").modules["__main__"] == str(folder / "program.py")

    def test_a_namespace_package_is_known_module_by_module(self, folder: Path) -> None:
        assert record(folder, "import space.inner.deep").modules["space.inner.deep"] == str(
            folder / "space" / "inner" / "deep.py"
        )

    @pytest.mark.parametrize("strange", ["del sys.argv", "sys.argv[:] = []", "sys.argv[:] = [3]", "sys.argv = None"])
    def test_a_program_that_changes_its_arguments_is_recorded(self, folder: Path, strange: str) -> None:
        found = record(folder, f"import sys, mine\n{strange}")
        assert (found.code, found.err) == (0, "")
        assert "mine" in found.modules

    def test_a_process_whose_folder_is_gone_is_recorded(self, folder: Path) -> None:
        program = """
            import os, subprocess, sys, tempfile
            place = tempfile.mkdtemp()
            os.chdir(place)
            os.rmdir(place)
            subprocess.run([sys.executable, "-c", "import this"], stdout=subprocess.DEVNULL)
        """
        found = record(folder, program)
        assert (found.code, found.err) == (0, "")
        assert "this" in found.modules

    def test_links_are_followed(self, folder: Path) -> None:
        (folder / "real.py").write_text("")
        (folder / "linked.py").symlink_to("real.py")
        assert record(folder, "import linked").modules["linked"] == str(folder / "real.py")

    @pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
    def test_children_of_multiprocessing_write_records_of_their_own(self, folder: Path, method: str) -> None:
        program = f"""
            import multiprocessing

            def work():
                import mine

            if __name__ == "__main__":
                context = multiprocessing.get_context("{method}")
                child = context.Process(target=work)
                child.start()
                child.join()
        """
        found = record(folder, program)
        assert (found.code, found.err) == (0, "")
        assert [("mine" in item["modules"]) for item in found.records].count(True) == 1
        assert len(found.records) >= 2

    @pytest.mark.parametrize(
        "start",
        [
            "subprocess.run([sys.executable, '-c', 'import mine'])",
            "os.fork() or (__import__('mine'), os._exit(0)); os.wait()",
            "os.fork() or (__import__('mine'), sys.exit(0)); os.wait()",
            "os.system(sys.executable + ' -c \"import mine\"')",
            "os.execv(sys.executable, ['python', '-c', 'import mine'])",
        ],
    )
    def test_other_children_too(self, folder: Path, start: str) -> None:
        found = record(folder, f"import os, subprocess, sys\n{start}")
        assert (found.code, found.err) == (0, "")
        assert "mine" in found.modules

    def test_one_that_is_killed_leaves_a_record_that_says_so(self, folder: Path) -> None:
        found = record(folder, "import os, mine\nos.kill(os.getpid(), 9)")
        assert found.code == -9
        assert [(item["done"], item["modules"]) for item in found.records] == [(False, {})]

    def test_nothing_is_written_where_nobody_asks(self, folder: Path) -> None:
        found = record(folder, "import os, mine; os._exit(2)", RLOPS_IMPORTS="")
        assert (found.code, found.out, found.err, found.records) == (2, "", "", [])

    @pytest.mark.parametrize("place", ["/nowhere/at/all", "/dev/null", "/proc"])
    def test_a_place_that_cannot_be_written_is_no_error(self, folder: Path, place: str) -> None:
        found = record(folder, "import mine; print('out')", RLOPS_IMPORTS=place)
        assert (found.code, found.out, found.err) == (0, "out\n", "")

    @pytest.mark.parametrize("flag", ["-I", "-E", "-S"])
    def test_isolated_interpreters_write_none(self, folder: Path, flag: str) -> None:
        found = record(folder, "import os; print('out')", flag)
        assert (found.code, found.out, found.err, found.records) == (0, "out\n", "", [])

    @pytest.mark.parametrize("flags", [("-s",), ("-P",), ("-B", "-u"), ("-O",), ("-X", "dev"), ("-W", "error")])
    def test_other_flags_do_no_harm(self, folder: Path, flags: tuple[str, ...]) -> None:
        found = record(folder, "import json; print('out')", *flags)
        assert (found.code, found.out, found.err) == (0, "out\n", "")
        assert found.records[0]["done"]

    def test_odd_modules_do_no_harm(self, folder: Path) -> None:
        program = """
            import sys, types

            class Lazy(types.ModuleType):
                def __getattr__(self, name):
                    raise AttributeError(name)

            sys.modules["none"] = None
            sys.modules["number"] = 5
            sys.modules["lazy"] = Lazy("lazy")
            for name, place in {"no": None, "int": 3, "bytes": b"x", "empty": ""}.items():
                sys.modules[name] = types.ModuleType(name)
                sys.modules[name].__file__ = place
            import mine
        """
        found = record(folder, program)
        assert (found.code, found.err) == (0, "")
        assert "mine" in found.modules

    def test_a_module_that_breaks_when_it_is_looked_at_hides_no_other(self, folder: Path) -> None:
        program = """
            import sys, types

            class Broken(types.ModuleType):
                def __getattribute__(self, name):
                    raise RuntimeError("not loaded: install the extra")

            sys.modules["broken"] = Broken("broken")
            import mine
        """
        assert "mine" in record(folder, program).modules


class TestTheNextSitecustomize:
    def test_the_trainer_s_own_is_loaded_once(self, folder: Path) -> None:
        (folder / "own").mkdir()
        (folder / "own" / "sitecustomize.py").write_text("import os, sys\nprint('own', __name__)\nsys.mine = 1\n")
        found = record(folder, "import sys; print(sys.mine)", path=str(folder / "own"))
        assert (found.out, found.err) == ("own sitecustomize\n1\n", "")

    def test_one_that_is_broken_is_told_and_stops_nothing(self, folder: Path) -> None:
        (folder / "own").mkdir()
        (folder / "own" / "sitecustomize.py").write_text("raise RuntimeError('broken on purpose')\n")
        found = record(folder, "import mine; print('out')", path=str(folder / "own"))
        assert (found.code, found.out) == (0, "out\n")
        assert "broken on purpose" in found.err
        assert "mine" in found.modules

    def test_one_that_replaces_exit_functions_still_works(self, folder: Path) -> None:
        (folder / "own").mkdir()
        (folder / "own" / "sitecustomize.py").write_text(
            "import os\nbefore = os._exit\nos._exit = lambda code: (print('mine', flush=True), before(code))\n"
        )
        found = record(folder, "import os, mine; os._exit(4)", path=str(folder / "own"))
        assert (found.code, found.out) == (4, "mine\n")
        assert "mine" in found.modules

    def test_a_usercustomize_and_a_package_of_that_name_too(self, folder: Path) -> None:
        (folder / "own" / "sitecustomize").mkdir(parents=True)
        (folder / "own" / "sitecustomize" / "__init__.py").write_text("print('package')\n")
        (folder / "own" / "usercustomize.py").write_text("print('user')\n")
        found = record(folder, "", path=str(folder / "own"))
        assert found.err == ""
        assert "package" in found.out.split()


class TestPackagesOf:
    @pytest.fixture
    def root(self, tmp_path: Path) -> Path:
        for name in (
            "flat/__init__.py", "flat/sub/__init__.py", "src/pkg/__init__.py", "src/pkg/algos/__init__.py",
            "src/other/__init__.py", "python/src/deep/__init__.py", "train.py", "plain/x.py",
        ):  # fmt: skip
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).touch()
        return tmp_path

    @pytest.mark.parametrize(
        ("code", "packages"),
        [
            (["flat"], ["flat"]), (["flat/sub"], ["flat"]), (["flat/"], ["flat"]), (["src"], ["other", "pkg"]),
            (["src/pkg/algos", "train.py"], ["pkg"]), (["python"], ["deep"]), (["plain"], []),
            (["nowhere"], []), ([], []), (["flat", "src", "flat"], ["flat", "other", "pkg"]),
        ],
    )  # fmt: skip
    def test_are_the_top_level_packages(self, root: Path, code: list[str], packages: list[str]) -> None:
        assert set(packages_of(root, code)) >= set(packages)
        assert set(packages_of(root, code)) <= {*packages, "train"}

    @pytest.mark.parametrize(
        "place", [".venv/lib/python3/site-packages", "venv/lib", ".rlops/worktrees/1", "node_modules", "data", "build"]
    )
    def test_what_git_ignores_holds_no_package_of_ours(self, root: Path, place: str) -> None:
        """Else numpy would have to come from the checkout, because a copy lies somewhere below it."""
        (root / place / "numpy").mkdir(parents=True)
        (root / place / "numpy" / "__init__.py").touch()
        (root / ".gitignore").write_text(f"/{place.partition('/')[0]}/\n")
        subprocess.run(["git", "init", "--quiet"], cwd=root, check=True)
        assert "flat" in packages_of(root, ["."])
        assert "numpy" not in packages_of(root, ["."])


class Cell:
    """A cell's folder with records made by hand, judged for a version at /w/version."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.expected: dict[str, Any] = {
            "root": "/w/version", "elsewhere": ["/w", "/store/worktrees"], "packages": ["pkg"], "python": "/bin/python",
        }  # fmt: skip

    def add(self, modules: dict[str, str], *installed: str) -> None:
        number = len(list(self.folder.iterdir()))
        content = {"done": True, "modules": modules, "installed": ["/usr", *installed]}
        (self.folder / f"imports-{number}.json").write_text(json.dumps(content))

    def wrong(self, *command: str) -> list[str]:
        return wrong_code(self.folder, self.expected, command or ("/bin/python", "-m", "pkg"))


@pytest.fixture
def cell(tmp_path: Path) -> Cell:
    return Cell(tmp_path)


class TestTheJudge:
    @pytest.mark.parametrize(
        ("name", "path"),
        [
            ("pkg", "/w/version/src/pkg/__init__.py"), ("__main__", "/w/version/train.py"), ("x", "/opt/x.py"),
            ("numpy", "/usr/lib/python3/numpy/__init__.py"), ("numpy", "/w/venv/lib/numpy/__init__.py"),
            ("pkgs", "/usr/lib/pkgs.py"), ("version2", "/elsewhere/w/version2.py"),
        ],
    )  # fmt: skip
    def test_own_code_and_what_is_installed_is_right(self, cell: Cell, name: str, path: str) -> None:
        cell.add({name: path}, "/w/venv")
        assert cell.wrong() == []

    @pytest.mark.parametrize(
        ("name", "path"),
        [
            ("pkg", "/w/src/pkg/__init__.py"), ("pkg", "/usr/lib/site-packages/pkg/__init__.py"),
            ("pkg", "/another/clone/pkg/__init__.py"), ("pkg.sub", "/w/pkg/sub.py"), ("helper", "/w/helper.py"),
            ("helper", "/store/worktrees/123/helper.py"), ("__main__", "/w/train.py"), ("pkg", "/w/version2/pkg.py"),
        ],
    )  # fmt: skip
    def test_other_versions_and_installed_copies_are_wrong_and_both_places_are_named(
        self, cell: Cell, name: str, path: str
    ) -> None:
        cell.add({"os": "/usr/lib/os.py"})
        cell.add({name: path, "fine": "/w/version/fine.py"}, "/w/venv")
        (line,) = cell.wrong()
        assert line == f"{name} was imported from {path}, not from /w/version"

    @given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda x: st.lists(x, max_size=3)))
    @settings(max_examples=20)
    def test_records_that_are_none_are_passed_over(self, content: object) -> None:
        import tempfile

        with tempfile.TemporaryDirectory() as name:
            made = Cell(Path(name))
            made.expected["packages"] = []
            for i, text in enumerate((json.dumps(content), json.dumps({"modules": content}), "", '{"modu')):
                (made.folder / f"imports-{i}.json").write_text(text)
            (made.folder / "imports-9.json").write_bytes(b"\xff\xfe")
            assert made.wrong() == []


class TestTheProbe:
    """What an isolated interpreter, which writes no record, is asked instead."""

    def interpreter(self, cell: Cell, says: str) -> None:
        python = cell.folder / "python"
        python.write_text(f"#!/bin/sh\ntouch {cell.folder}/asked\n{says}\n")
        python.chmod(0o755)
        cell.expected["python"] = str(python)

    def test_asks_where_the_packages_would_come_from(self, cell: Cell) -> None:
        self.interpreter(cell, """echo '{"pkg": "/w/src/pkg/__init__.py"}'""")
        (line,) = cell.wrong(cell.expected["python"], "-I", "-m", "pkg")
        assert line == "pkg was imported from /w/src/pkg/__init__.py, not from /w/version"

    @pytest.mark.parametrize("says", ["echo '{}'", """echo '{"pkg": "/w/version/pkg.py"}'""", "exit 1", "echo no"])
    def test_accuses_nobody_without_an_answer(self, cell: Cell, says: str) -> None:
        self.interpreter(cell, says)
        assert cell.wrong(cell.expected["python"], "-I", "-m", "pkg") == []

    def test_is_not_asked_where_the_command_is_no_python_or_names_no_package(self, cell: Cell) -> None:
        self.interpreter(cell, """echo '{"pkg": "/w/src/pkg/__init__.py"}'""")
        assert cell.wrong("bash", "train.sh") == []
        cell.expected["packages"] = []
        assert cell.wrong(cell.expected["python"], "-I", "train.py") == []
        assert not (cell.folder / "asked").exists()

    @pytest.mark.parametrize(
        "record",
        [
            pytest.param(
                {"done": True, "modules": {"os": "/usr/lib/os.py"}}, id="a child of it that was not isolated",
            ),
            pytest.param({"done": False, "modules": {}}, id="one that never got to write its modules down"),
        ],
    )  # fmt: skip
    def test_is_asked_where_the_records_do_not_say(self, cell: Cell, record: dict[str, Any]) -> None:
        self.interpreter(cell, """echo '{"pkg": "/w/src/pkg/__init__.py"}'""")
        (cell.folder / "imports-1.json").write_text(json.dumps({**record, "installed": ["/usr"]}))
        assert len(cell.wrong(cell.expected["python"], "-I", "-m", "pkg")) == 1

    @pytest.mark.parametrize("prefix", [["env", "X=1"], ["nice"], ["timeout", "9"], ["taskset", "-c", "0"]])
    def test_is_asked_where_a_small_program_starts_the_interpreter(self, cell: Cell, prefix: list[str]) -> None:
        self.interpreter(cell, """echo '{"pkg": "/w/src/pkg/__init__.py"}'""")
        assert len(cell.wrong(*prefix, cell.expected["python"], "-I", "-m", "pkg")) == 1
