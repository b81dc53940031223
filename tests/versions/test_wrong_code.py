"""The wrong-code trap: a package that is installed once, trained in two versions. Real interpreters and supervisors."""

import json
import os
import subprocess
import sys
import textwrap
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from rlops.judge import Word
from rlops.launch import Interrupts, LocalExecutor, fill
from rlops.plan import Benchmark, Repository, Variant, checkout, expand, variants, version
from tests.versions.quick import BENCHMARK, LOGGER, Gate, hurry, make
from tests.versions.repositories import Repo

SITE = "lib/python{}.{}/site-packages".format(*sys.version_info)
WRONG = 78
SAY = "print('this is', __name__, 'of {}', flush=True)\n"


@dataclass
class Environment:
    """A virtual environment of its own, without pip: what is installed in it is written down by hand."""

    folder: Path

    @property
    def python(self) -> str:
        return str(self.folder / "bin" / "python")

    @property
    def site(self) -> Path:
        return self.folder / SITE

    def editable(self, name: str, project: Path, line: str | None) -> None:
        """What `pip install -e project` leaves: PEP 610, and a .pth line (None: there is a finder)."""
        info = self.site / f"{name}-1.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
        origin = {"url": project.as_uri(), "dir_info": {"editable": True}}
        (info / "direct_url.json").write_text(json.dumps(origin))
        if line is not None:
            (self.site / f"_{name}.pth").write_text(f"{line}\n")

    def copy(self, path: Path) -> None:
        """What `pip install .` leaves: a package or a module in site-packages."""
        name = path.name
        subprocess.run(["cp", "-r", str(path), str(self.site / name)], check=True)
        info = self.site / f"{path.stem}-1.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {path.stem}\nVersion: 1\n")
        (info / "direct_url.json").write_text(json.dumps({"url": path.parent.as_uri(), "dir_info": {}}))

    def script(self, name: str, module: str) -> None:
        """A console script."""
        path = self.folder / "bin" / name
        path.write_text(f"#!{self.python}\nimport sys\nfrom {module} import main\nsys.exit(main())\n")
        path.chmod(0o755)


@dataclass
class Ended:
    """How a cell ended, and the folder of its version."""

    code: int
    log: str
    root: Path

    @property
    def own(self) -> bool:
        """Did it end well, with the code of its own version alone?"""
        return self.code == 0 and "elsewhere" not in self.log


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    found = Environment(tmp_path / "environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(found.folder)], check=True)
    return found


def two_versions(folder: Path, files: dict[str, str], home: Path | None = None) -> Repo:
    """main, which is checked out, and its branch `other`; every file says which version it is of."""
    repository = make(folder)
    for name in ("main", "other"):
        if name != "main":
            repository.branch(name)
        repository.commit(name, **{path: text + SAY.format(name) for path, text in files.items()})
    repository.git("checkout", "--quiet", "main")
    return repository


def train(
    repository: Repo, python: str, *command: str, ref: str = "other", code: tuple[str, ...] = ("src",), **more: object
) -> Ended:
    """Train a cell of a version, as every verb does, with the interpreter `python`."""
    command = tuple(part.replace("{python}", python) if part != "{python}" else part for part in command)
    benchmark = Benchmark.model_validate(
        {
            "name": "own", "command": [*command, "{env_id}", "{seed}"], "code": code, "environments": ["A-v0"],
            "budget": 1000, "packages": [], **more,
        }
    )  # fmt: skip
    found = Repository.around(repository.root)
    store = repository.root / ".rlops"
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(variants, "_python", lambda *_: python)
        variant = version(found, found.commit(ref), benchmark, store)
    return run(replace(variant), benchmark, store)


def run(variant: Variant, benchmark: Benchmark, store: Path) -> Ended:
    grid = expand(benchmark, variant, (1,))
    fill([grid], store / "cells", LocalExecutor(), Interrupts())
    (folder,) = (path.parent for path in (store / "cells" / grid.name).glob("*/done.json"))
    log = (folder / "stdout.log").read_text()
    return Ended(json.loads((folder / "done.json").read_text())["exit_code"], log, variant.root)


@pytest.fixture(autouse=True)
def _hurry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hurry(monkeypatch, tmp_path)


SRC = {"src/pkg/__init__.py": "", "src/pkg/train.py": "def main(): pass\n", "src/pkg/deep/__init__.py": ""}
FLAT = {"pkg/__init__.py": "", "pkg/train.py": "def main(): pass\n"}
SPACE = {"src/space/pkg/__init__.py": "", "src/space/pkg/train.py": "def main(): pass\n"}
MODULE = {"train_it.py": "def main(): pass\n"}


@pytest.fixture
def src(tmp_path: Path, environment: Environment) -> Repo:
    """A src layout, installed editable from the main checkout."""
    made = two_versions(tmp_path / "my repository", SRC)
    environment.editable("pkg", made.root, str(made.root / "src"))
    return made


class TestPrevention:
    """PYTHONPATH comes before what is installed: each version trains its own code."""

    @pytest.mark.parametrize("ref", ["main", "other"])
    def test_an_editable_src_layout_through_python_m(self, src: Repo, environment: Environment, ref: str) -> None:
        ended = train(src, environment.python, "{python}", "-m", "pkg.train", ref=ref)
        assert (ended.code, ended.log) == (0, f"this is pkg of {ref}\nthis is __main__ of {ref}\n")

    @pytest.mark.parametrize("ref", ["main", "other"])
    def test_and_through_a_console_script(
        self, src: Repo, environment: Environment, ref: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        environment.script("pkg-train", "pkg.train")
        monkeypatch.setenv("PATH", f"{environment.folder}/bin{os.pathsep}{os.environ['PATH']}")
        ended = train(src, environment.python, "pkg-train", ref=ref)
        assert (ended.code, ended.log) == (0, f"this is pkg of {ref}\nthis is pkg.train of {ref}\n")

    def test_an_editable_flat_layout_through_a_console_script(self, tmp_path: Path, environment: Environment) -> None:
        made = two_versions(tmp_path / "repository", FLAT)
        environment.editable("pkg", made.root, str(made.root))
        environment.script("pkg-train", "pkg.train")
        ended = train(made, environment.python, f"{environment.folder}/bin/pkg-train", code=("pkg",))
        assert (ended.code, ended.log) == (0, "this is pkg of other\nthis is pkg.train of other\n")

    def test_an_editable_namespace_package(self, tmp_path: Path, environment: Environment) -> None:
        made = two_versions(tmp_path / "repository", SPACE)
        environment.editable("space.pkg", made.root, str(made.root / "src"))
        ended = train(made, environment.python, "{python}", "-m", "space.pkg.train")
        assert (ended.code, ended.log) == (0, "this is space.pkg of other\nthis is __main__ of other\n")

    def test_an_editable_library_elsewhere_in_a_monorepo(self, tmp_path: Path, environment: Environment) -> None:
        made = two_versions(
            tmp_path / "mono", {"libs/common/src/common/__init__.py": "", "apps/a/train.py": "import common\n"}
        )
        environment.editable("common", made.root / "libs" / "common", str(made.root / "libs/common/src"))
        folder = Repo(made.root / "apps" / "a")
        ended = train(folder, environment.python, "{python}", "train.py", code=("train.py", "../../libs"))
        assert (ended.code, ended.log) == (0, "this is common of other\nthis is __main__ of other\n")

    def test_editable_from_another_worktree(self, src: Repo, environment: Environment, tmp_path: Path) -> None:
        """As in a [dependencies] environment, which the first version with that lock filled by `pip install -e .`."""
        found = Repository.around(src.root)
        place = found.worktree(found.commit("main"), src.root / ".rlops" / "worktrees")
        second = Environment(tmp_path / "second")
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(second.folder)], check=True)
        second.editable("pkg", place, str(place / "src"))
        ended = train(src, second.python, "{python}", "-m", "pkg.train")
        assert (ended.code, ended.log) == (0, "this is pkg of other\nthis is __main__ of other\n")

    def test_the_benchmark_s_own_pythonpath_means_the_version_s_folders(
        self, tmp_path: Path, environment: Environment
    ) -> None:
        made = two_versions(
            tmp_path / "repository", {"lib/a/helper.py": "", "b/tool.py": "", "t.py": "import helper, tool\n"}
        )
        variables = {"PYTHONPATH": f"lib/a{os.pathsep}b"}
        ended = train(made, environment.python, "{python}", "t.py", code=("lib", "b", "t.py"), variables=variables)
        assert ended.log == "this is helper of other\nthis is tool of other\nthis is __main__ of other\n"
        assert ended.code == 0

    def test_a_sitecustomize_of_the_version_is_loaded(self, src: Repo, environment: Environment) -> None:
        src.git("checkout", "--quiet", "other")
        src.commit("customize", **{"src/sitecustomize.py": "print('customized')\n"})
        src.git("checkout", "--quiet", "main")
        ended = train(src, environment.python, "{python}", "-m", "pkg.train", variables={"PYTHONPATH": "src"})
        assert (ended.code, ended.log.splitlines()[0]) == (0, "customized")


HOW = {
    "os._exit": "import os, pkg; os._exit(0)",
    "subprocess": "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import pkg'])",
    "fork": "import os\nif not os.fork():\n import pkg\n os._exit(0)\nos.wait()",
    "multiprocessing": """
import multiprocessing
if __name__ == "__main__":
    child = multiprocessing.get_context("spawn").Process(target=__import__, args=("pkg",))
    child.start()
    child.join()
""",
}


class TestDetection:
    """Where it cannot be prevented the cell fails, and its log names both places."""

    def accused(self, ended: Ended, name: str, place: Path) -> None:
        assert ended.code == WRONG, ended.log
        assert f"{name} was imported from {place}" in ended.log
        assert str(ended.root) in ended.log
        assert "pip install -e" in ended.log

    @pytest.mark.parametrize("flag", ["-I", "-E"])
    @pytest.mark.parametrize("ref", ["main", "other"])
    def test_an_isolated_interpreter(self, src: Repo, environment: Environment, flag: str, ref: str) -> None:
        ended = train(src, environment.python, "{python}", flag, "-m", "pkg.train", ref=ref)
        self.accused(ended, "pkg", src.root / "src" / "pkg" / "__init__.py")

    def test_a_copy_in_site_packages(self, tmp_path: Path, environment: Environment) -> None:
        made = two_versions(tmp_path / "repository", SRC)
        environment.copy(made.root / "src" / "pkg")
        ended = train(made, environment.python, "{python}", "-m", "pkg.train")
        self.accused(ended, "pkg", environment.site / "pkg" / "__init__.py")

    def test_a_copy_in_site_packages_of_the_checkout_itself(self, tmp_path: Path, environment: Environment) -> None:
        made = two_versions(tmp_path / "repository", SRC)
        environment.copy(made.root / "src" / "pkg")
        benchmark = Benchmark.model_validate(
            {
                "name": "own", "command": ["{python}", "-m", "pkg.train", "{env_id}", "{seed}"], "code": ["src"],
                "environments": ["A-v0"], "budget": 1000, "packages": [],
            }
        )  # fmt: skip
        variant = replace(checkout(made.root, benchmark), python=environment.python)
        self.accused(run(variant, benchmark, made.root / ".rlops"), "pkg", environment.site / "pkg" / "__init__.py")

    def test_a_finder_that_maps_a_package_to_a_folder_of_another_name(
        self, tmp_path: Path, environment: Environment
    ) -> None:
        """package_dir = {"pkg": "python/code"}: no folder on PYTHONPATH has a `pkg` in it."""
        made = two_versions(tmp_path / "repository", {"python/code/__init__.py": "", "python/code/train.py": ""})
        finder = f"""
            import sys
            from importlib.util import spec_from_file_location
            at = {str(made.root / "python" / "code")!r}

            class Finder:
                @classmethod
                def find_spec(cls, name, path=None, target=None):
                    if name == "pkg":
                        return spec_from_file_location(name, at + "/__init__.py", submodule_search_locations=[at])

            sys.meta_path.append(Finder)
        """
        (environment.site / "__editable___pkg_finder.py").write_text(textwrap.dedent(finder))
        environment.editable("pkg", made.root, "import __editable___pkg_finder")
        for command in (("{python}", "-m", "pkg.train"), ("{python}", "-c", "import pkg.train")):
            ended = train(made, environment.python, *command, code=("python",))
            self.accused(ended, "pkg", made.root / "python" / "code" / "__init__.py")

    def test_a_pth_file_that_nobody_recorded(self, tmp_path: Path, environment: Environment) -> None:
        """`setup.py develop`, conda develop, by hand."""
        made = two_versions(tmp_path / "repository", SRC)
        (environment.site / "by-hand.pth").write_text(f"{made.root / 'src'}\n")
        self.accused(
            train(made, environment.python, "{python}", "-m", "pkg.train"), "pkg", made.root / "src/pkg/__init__.py"
        )

    def test_editable_from_another_clone(self, tmp_path: Path, environment: Environment) -> None:
        made = two_versions(tmp_path / "repository", SRC)
        made.git("clone", "--quiet", ".", str(tmp_path / "clone"))
        environment.editable("pkg", tmp_path / "clone", str(tmp_path / "clone" / "src"))
        ended = train(made, environment.python, "{python}", "-m", "pkg.train")
        self.accused(ended, "pkg", tmp_path / "clone" / "src" / "pkg" / "__init__.py")

    def test_a_variable_that_names_the_checkout(self, tmp_path: Path, environment: Environment) -> None:
        made = two_versions(tmp_path / "repository", {"lib/helper.py": "", "t.py": "import helper\n"})
        variables = {"PYTHONPATH": str(made.root / "lib")}
        ended = train(made, environment.python, "{python}", "t.py", code=("lib", "t.py"), variables=variables)
        self.accused(ended, "helper", made.root / "lib" / "helper.py")

    @pytest.mark.parametrize("how", list(HOW))
    def test_however_the_process_does_it(self, tmp_path: Path, environment: Environment, how: str) -> None:
        made = two_versions(tmp_path / "repository", SRC)
        environment.copy(made.root / "src" / "pkg")
        made.git("checkout", "--quiet", "other")
        made.commit("program", **{"t.py": HOW[how]})
        ended = train(made, environment.python, "{python}", "t.py", code=("src", "t.py"))
        self.accused(ended, "pkg", environment.site / "pkg" / "__init__.py")

    def test_a_checkout_below_the_interpreter_s_prefix(self, environment: Environment) -> None:
        """/usr/src/app with Debian's Python; <environment>/src, where `pip install -e git+...` clones to."""
        files = {"lib/helper.py": "", "t.py": "import helper\n"}
        made = two_versions(environment.folder / "src" / "repository", files)
        (environment.site / "by-hand.pth").write_text(f"{made.root / 'lib'}\n")
        ended = train(made, environment.python, "{python}", "t.py", code=("t.py",))
        self.accused(ended, "helper", made.root / "lib" / "helper.py")

    def test_a_shell_script_that_runs_python(self, tmp_path: Path, environment: Environment) -> None:
        made = two_versions(tmp_path / "repository", SRC)
        environment.copy(made.root / "src" / "pkg")
        ended = train(made, environment.python, "sh", "-c", f"{environment.python} -m pkg.train")
        self.accused(ended, "pkg", environment.site / "pkg" / "__init__.py")

    @pytest.mark.parametrize(
        "kind",
        [
            "deeper than `code`", "namespace package", "module",
            pytest.param("package of another name", marks=pytest.mark.xfail(strict=True, reason="no name of ours")),
        ],
    )  # fmt: skip
    def test_copies_of_other_shapes(self, tmp_path: Path, environment: Environment, kind: str) -> None:
        """Both versions train the copy: bit-equal, "identical"."""
        deep = {f"python/{name}": text for name, text in SRC.items()}
        files, installed, name, code = {
            "namespace package": (SPACE, "src/space", "space.pkg.train", "src"),
            "module": (MODULE, "train_it.py", "train_it", "train_it.py"),
            "deeper than `code`": (deep, "python/src/pkg", "pkg", "python"),
            "package of another name": ({"code/__init__.py": ""}, "code", "code_of_main", "code"),
        }[kind]
        made = two_versions(tmp_path / "repository", files)
        environment.copy(made.root / installed)
        if kind == "package of another name":
            (environment.site / "code").rename(environment.site / "code_of_main")
        program = f"{environment.python} -c 'import {name}'"
        ended = train(made, environment.python, "sh", "-c", f"cd / && {program}", code=(code,))
        assert "of main" in ended.log
        assert "of other" not in ended.log
        assert ended.code == WRONG

    def test_an_isolated_interpreter_that_starts_another_one(self, src: Repo, environment: Environment) -> None:
        program = "import subprocess, sys, pkg; subprocess.run([sys.executable, '-c', 'pass'])"
        ended = train(src, environment.python, "{python}", "-I", "-c", program)
        assert "this is pkg of main" in ended.log
        assert ended.code == WRONG

    def test_an_isolated_interpreter_whose_child_is_right(self, src: Repo, environment: Environment) -> None:
        """Workers that evaluate: they find the version's own code, the trainer did not."""
        program = "import subprocess, sys, pkg; subprocess.run([sys.executable, '-c', 'import pkg'])"
        ended = train(src, environment.python, "{python}", "-I", "-c", program)
        assert ended.log.startswith("this is pkg of main\nthis is pkg of other\n")
        assert ended.code == WRONG

    def test_a_process_that_ends_behind_python_s_back(self, tmp_path: Path, environment: Environment) -> None:
        """Some simulators end like that."""
        made = two_versions(tmp_path / "repository", SRC)
        environment.copy(made.root / "src" / "pkg")
        program = "import ctypes, pkg; ctypes.CDLL(None)._exit(0)"
        ended = train(made, environment.python, "{python}", "-c", program)
        assert "this is pkg of main" in ended.log
        assert ended.code == WRONG

    def test_a_script_of_the_checkout(self, tmp_path: Path, environment: Environment) -> None:
        made = two_versions(tmp_path / "repository", {"train_it.py": ""})
        ended = train(made, environment.python, "{python}", str(made.root / "train_it.py"), code=("train_it.py",))
        assert "this is __main__ of main" in ended.log
        assert ended.code == WRONG


class TestNobodyIsAccusedWhoTrainsHisOwn:
    def test_a_command_that_is_no_python(self, src: Repo, environment: Environment) -> None:
        src.git("checkout", "--quiet", "other")
        src.commit("script", **{"train.sh": "echo trained $1 $2\n"})
        ended = train(src, environment.python, "bash", "train.sh")
        assert (ended.code, ended.log) == (0, "trained A-v0 1\n")

    def test_a_virtual_environment_inside_of_the_repository(self, tmp_path: Path) -> None:
        made = two_versions(tmp_path / "repository", SRC)
        inside = Environment(made.root / ".venv")
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(inside.folder)], check=True)
        inside.editable("pkg", made.root, str(made.root / "src"))
        (inside.site / "numbers_of_others.py").write_text("")
        ended = train(made, inside.python, "{python}", "-c", "import numbers_of_others, pkg.train")
        assert (ended.code, ended.log) == (0, "this is pkg of other\nthis is pkg.train of other\n")

    @pytest.mark.parametrize("end", ["", "os._exit(0)"])
    @pytest.mark.parametrize("through", ["itself", "a launcher"])
    def test_a_console_script_of_an_environment_inside_of_the_repository(
        self, tmp_path: Path, end: str, through: str
    ) -> None:
        """The usual place of an environment; torchrun and accelerate are such launchers."""
        made = two_versions(tmp_path / "repository", SRC)
        made.git("checkout", "--quiet", "other")
        made.commit(
            "end", **{"src/pkg/train.py": f"import os\ndef main():\n    {end or 'pass'}\n" + SAY.format("other")}
        )
        made.git("checkout", "--quiet", "main")
        inside = Environment(made.root / ".venv")
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(inside.folder)], check=True)
        inside.editable("pkg", made.root, str(made.root / "src"))
        inside.script("pkg-train", "pkg.train")
        if through == "itself":
            ended = train(made, inside.python, f"{inside.folder}/bin/pkg-train")
        else:
            (inside.site / "launcher.py").write_text(
                "import subprocess, sys\n\n\ndef main():\n"
                "    return subprocess.run([sys.executable, '-m', 'pkg.train']).returncode\n"
            )
            inside.script("launch", "launcher")
            ended = train(made, inside.python, f"{inside.folder}/bin/launch")
        assert (ended.code, "of main" in ended.log) == (0, False), ended.log

    def test_an_option_of_the_trainer_that_looks_like_one_of_python_s(
        self, tmp_path: Path, environment: Environment
    ) -> None:
        """`-E 5` after the script is the script's; it imports nothing of the package."""
        made = two_versions(tmp_path / "repository", {**SRC, "run.py": ""})
        environment.editable("pkg", made.root, str(made.root / "src"))
        ended = train(made, environment.python, "{python}", "run.py", "-E", "5", code=("src", "run.py"))
        assert (ended.code, ended.log) == (0, "this is __main__ of other\n")

    def test_one_that_imports_nothing_of_a_package_that_is_copied(
        self, tmp_path: Path, environment: Environment
    ) -> None:
        made = two_versions(tmp_path / "repository", {**SRC, "run.py": ""})
        environment.copy(made.root / "src" / "pkg")
        ended = train(made, environment.python, "{python}", "run.py", code=("src", "run.py"))
        assert (ended.code, ended.log) == (0, "this is __main__ of other\n")

    def test_a_library_that_pip_cloned_into_such_an_environment(self, tmp_path: Path) -> None:
        """`-e git+https://...` in requirements.txt: .venv/src/library, which is nobody's version."""
        made = two_versions(tmp_path / "repository", {"t.py": "import library\n"})
        inside = Environment(made.root / ".venv")
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(inside.folder)], check=True)
        (inside.folder / "src" / "library").mkdir(parents=True)
        (inside.folder / "src" / "library" / "library.py").write_text("")
        inside.editable("library", inside.folder / "src" / "library", str(inside.folder / "src" / "library"))
        ended = train(made, inside.python, "{python}", "t.py", code=("t.py",))
        assert (ended.code, ended.log) == (0, "this is __main__ of other\n")

    def test_one_that_failed_by_itself_fails_with_its_own_code(self, src: Repo, environment: Environment) -> None:
        ended = train(src, environment.python, "{python}", "-I", "-c", "import pkg, sys; sys.exit(5)")
        assert (ended.code, ended.log) == (5, "this is pkg of main\n")

    def test_a_flat_layout_that_is_also_copied(self, tmp_path: Path, environment: Environment) -> None:
        made = two_versions(tmp_path / "repository", FLAT)
        environment.copy(made.root / "pkg")
        ended = train(made, environment.python, "{python}", "-m", "pkg.train", code=("pkg",))
        assert (ended.code, ended.log) == (0, "this is pkg of other\nthis is __main__ of other\n")

    def test_but_an_isolated_script_that_finds_its_own_code_itself_is(
        self, src: Repo, environment: Environment
    ) -> None:
        src.git("checkout", "--quiet", "other")
        src.commit("script", **{"run.py": "import sys; sys.path.insert(0, 'src')\nimport pkg.train\n"})
        src.git("checkout", "--quiet", "main")
        ended = train(src, environment.python, "{python}", "-I", "run.py", code=("src", "run.py"))
        assert "this is pkg of other" in ended.log
        assert ended.code == WRONG, "nobody can see that it does, so it is better refused than believed"

    def test_a_repository_below_a_link(self, tmp_path: Path, environment: Environment) -> None:
        two_versions(tmp_path / "real" / "repository", SRC)
        (tmp_path / "link").symlink_to("real")
        linked = Repo(tmp_path / "link" / "repository")
        environment.editable("pkg", linked.root, str(linked.root / "src"))
        ended = train(linked, environment.python, "{python}", "-m", "pkg.train")
        assert (ended.code, ended.log) == (0, "this is pkg of other\nthis is __main__ of other\n")

    def test_an_environment_that_prints_at_its_start(self, src: Repo, environment: Environment) -> None:
        (environment.site / "hello.pth").write_text("import sys; print('hello')\n")
        ended = train(src, environment.python, "{python}", "-m", "pkg.train")
        assert ended.code == 0
        assert ended.log.replace("hello\n", "") == "this is pkg of other\nthis is __main__ of other\n"


REAL = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
[project]
name = "pkg"
version = "1"
[project.scripts]
pkg-train = "pkg.train:main"
[tool.hatch.build.targets.wheel]
packages = ["src/pkg"]
"""


def test_the_whole_way_with_pip_install_e(
    tmp_path: Path, environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """main is installed editable by pip; a bug on a branch is a regression, however it is started."""
    code = f"""{LOGGER}
LOSS = 0


def main():
    note_start(*sys.argv[1:])
    print("LOSS is", LOSS)
    log(plateau(100 + noise_of(*sys.argv[1:]) - LOSS))


if __name__ == "__main__":
    main()
"""
    benchmark = BENCHMARK.replace('"train.py"]', '"src"]').replace('["A-v0", "B-v0"]', '["A-v0"]')
    benchmark = benchmark.replace('"-I", "-S", "train.py"', '"-m", "pkg.train"')
    files = {"src/pkg/train.py": code, "src/pkg/__init__.py": "", "pyproject.toml": REAL}
    repository = make(tmp_path / "repository", benchmark, **files)
    pip = [sys.executable, "-m", "pip", "--python", environment.python, "install", "--quiet"]
    subprocess.run([*pip, "-e", str(repository.root)], check=True)
    monkeypatch.setattr(variants, "_python", lambda *_: environment.python)
    repository.branch("bug")
    repository.commit("a bug", **{"src/pkg/train.py": code.replace("LOSS = 0", "LOSS = 60")})
    for ref, loss in {"main": 0, "bug": 60}.items():
        for command in (("{python}", "-m", "pkg.train"), (f"{environment.folder}/bin/pkg-train",)):
            ended = train(repository, environment.python, *command, ref=ref)
            assert (ended.code, ended.log) == (0, f"LOSS is {loss}\n")
        ended = train(repository, environment.python, "{python}", "-I", "-m", "pkg.train", ref=ref)
        assert ended.code == WRONG
        assert f"pkg was imported from {repository.root}/src/pkg/__init__.py, not from {ended.root}" in ended.log
    verdict, _ = Gate(repository, [])("bug")
    assert verdict.verdict is Word.REGRESSED
    (means,) = [(item.mean_baseline, item.mean_candidate) for item in verdict.environments]
    assert means == (pytest.approx(100, abs=5), pytest.approx(40, abs=5))
