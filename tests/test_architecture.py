"""The directions of the imports, and the things that no module may do. Read from the source, nothing is imported."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
WINGS = ("stats", "plan", "launch", "curves", "judge", "report", "cli")
MAY_IMPORT = {
    "stats": set(),
    "plan": {"stats"},
    "launch": {"stats", "plan"},
    "curves": {"stats", "plan"},
    "judge": {"stats", "plan", "curves"},
    "report": {"stats", "plan", "curves", "judge"},
    "cli": {*WINGS, "workspace", "run_sets", "training"} - {"cli"}
    | {"bisect", "calibrate", "change", "gate", "init", "doctor", "preview", "prune", "results", "site"},
    "gate": {*WINGS, "workspace", "run_sets", "training", "change", "looks"} - {"cli", "report"},
    "bisect": {*WINGS, "workspace", "run_sets", "training"} - {"cli", "report"},
    "change": {*WINGS, "workspace", "run_sets", "training", "looks"} - {"cli", "report"},
    "looks": {*WINGS, "training"} - {"cli", "report"},
    "calibrate": {"plan", "curves", "judge", "workspace", "run_sets", "training"},
    "preview": {"plan", "launch", "curves", "judge", "workspace", "run_sets"},
    "prune": {"plan", "launch", "curves", "workspace"},
    "results": {"plan", "curves", "judge", "workspace", "run_sets", "training"},
    "run_sets": {*WINGS, "workspace", "training"} - {"cli", "report"},
    "site": {"plan", "curves", "judge", "report", "workspace", "run_sets", "training"},
    "training": {"plan", "launch", "workspace"},
    "doctor": {"plan", "launch", "checks", "ci", "workspace"},
    "checks": {"plan", "launch", "curves", "judge", "workspace"},
    "init": {"plan", "ci", "workspace"},
    "ci": set(),
    "workspace": set(),
    "errors": set(),
    "files": set(),
    "strangers": set(),
    "__main__": {"cli"},
    "__init__": set(),
}
INTERFACES = {"rlops.judge.record", "rlops.judge.results_record", "rlops.plan.discover", "rlops.report.site"}
"""Modules that others may name beside the wings: the records that every renderer reads; the search; the site."""
GROUND = {"errors", "files", "strangers", "__init__"}
"""What every wing may use: exit codes, files, dealing with strangers, the version. Not `stats`, which stands alone."""
FORBIDDEN_THIRD_PARTIES = {
    "stats": {"wandb", "click", "jinja2", "torch", "pandas", "pydantic", "rich", "gymnasium"},
    "judge": {"wandb", "click", "jinja2", "torch", "rich", "gymnasium"},
    "plan": {"wandb", "click", "jinja2", "torch", "rich", "gymnasium"},
    "report": {"click", "torch", "gymnasium"},
    "launch": {"wandb", "click", "jinja2", "torch", "pandas", "scipy"},
    "curves": {"click", "jinja2", "torch", "rich", "gymnasium"},
}


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def sources(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def imports(path: Path) -> Iterator[tuple[int, str, tuple[str, ...]]]:
    """Line, module and names of every import, wherever it stands; relative ones are spelled out."""
    package = path.relative_to(ROOT).parent.parts
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name, ()) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join((*base, *([node.module] if node.module else [])))
            yield node.lineno, module, tuple(alias.name for alias in node.names)


def wing_of(path: Path) -> str:
    """The wing a file of rlops belongs to, or the stem of a module beside the wings."""
    first = path.relative_to(ROOT / "rlops").parts[0]
    return first.removesuffix(".py")


def our_imports(path: Path) -> Iterator[tuple[int, str, str]]:
    """Line, wing (or module beside the wings) and full module name of every import from rlops."""
    for line, module, names in imports(path):
        parts = module.split(".")
        if parts[0] != "rlops":
            continue
        if len(parts) > 1:
            yield line, parts[1], module
        else:  # from rlops import x
            found = [name for name in names if name in WINGS or (ROOT / "rlops" / f"{name}.py").exists()]
            yield from ((line, name, f"rlops.{name}") for name in found or ["__init__"])


def where(path: Path, line: int) -> str:
    return f"{path.relative_to(ROOT)}:{line}"


def test_every_module_has_its_place() -> None:
    assert {wing_of(path) for path in sources("rlops")} <= MAY_IMPORT.keys()
    assert {path.name for path in (ROOT / "rlops").iterdir() if (path / "__init__.py").exists()} == set(WINGS)


@pytest.mark.parametrize("wing", MAY_IMPORT)
def test_directions(wing: str) -> None:
    allowed = MAY_IMPORT[wing] | {wing} | (GROUND if wing not in {"stats", *GROUND} else set())
    wrong = [
        f"{where(path, line)}: {wing} imports {module}"
        for path in sources("rlops")
        if wing_of(path) == wing
        for line, other, module in our_imports(path)
        if other not in allowed
    ]
    assert not wrong, "\n".join(wrong)


def test_nothing_but_main_imports_the_command_line() -> None:
    users = {wing_of(path) for path in sources("rlops") for _, other, _ in our_imports(path) if other == "cli"}
    assert users == {"__main__", "cli"}


def test_a_wing_is_used_through_its_init() -> None:
    wrong = [
        f"{where(path, line)}: {module}"
        for path in sources("rlops")
        for line, other, module in our_imports(path)
        if other in WINGS and other not in {wing_of(path), "cli"} and module not in {f"rlops.{other}", *INTERFACES}
    ]
    assert not wrong, "\n".join(wrong)


def test_what_a_wing_exports_is_sorted_and_exists() -> None:
    for wing in WINGS:
        names = [
            ast.literal_eval(node.value)
            for node in tree(ROOT / "rlops" / wing / "__init__.py").body
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
        ]
        assert all(name and len(set(name)) == len(name) for name in names), wing
        assert bool(names) == (wing != "cli"), wing


@pytest.mark.parametrize("wing", FORBIDDEN_THIRD_PARTIES)
def test_third_parties(wing: str) -> None:
    wrong = [
        f"{where(path, line)}: {module}"
        for path in sources(f"rlops/{wing}")
        for line, module, _ in imports(path)
        if module.split(".")[0] in FORBIDDEN_THIRD_PARTIES[wing]
        and not (wing == "launch" and path.name == "random_policy.py")
    ]
    assert not wrong, "\n".join(wrong)


def test_the_supervisor_is_a_program_of_its_own() -> None:
    """It runs with `python -I` and must start fast: the standard library only."""
    ours = [module for _, module, _ in imports(ROOT / "rlops" / "launch" / "supervise.py")]
    assert not {module.split(".")[0] for module in ours} & {"rlops", "numpy", "pydantic"}


def test_the_trainer_is_a_command() -> None:
    wrong = [
        f"{where(path, line)}: {module}"
        for package, other in (("rlops", "ppo_impl"), ("ppo_impl", "rlops"))
        for path in sources(package)
        for line, module, _ in imports(path)
        if module.split(".")[0] == other
    ]
    assert not wrong, "\n".join(wrong)


FORBIDDEN_IMPORTS = {"pickle", "cPickle", "dill", "cloudpickle", "marshal", "shelve", "joblib"}
FORBIDDEN_CALLS = {
    "eval", "exec", "compile", "__import__", "os.system", "os.popen", "subprocess.getoutput",
    "subprocess.getstatusoutput", "pd.read_pickle", "pandas.read_pickle", "yaml.load",
}  # fmt: skip


def misdeeds(path: Path) -> Iterator[str]:
    """What no module of ours may do, with its line."""
    for line, module, names in imports(path):
        if FORBIDDEN_IMPORTS & {module.split(".")[0], *names}:
            yield f"{where(path, line)}: import of {module}"
    for node in ast.walk(tree(path)):
        if not isinstance(node, ast.Call):
            continue
        called = ast.unparse(node.func)
        options = {option.arg: ast.unparse(option.value) for option in node.keywords}
        if called in FORBIDDEN_CALLS:
            yield f"{where(path, node.lineno)}: {called}()"
        if options.get("shell", "False") != "False":
            yield f"{where(path, node.lineno)}: shell={options['shell']}"
        if called in {"np.load", "numpy.load"} and options.get("allow_pickle") != "False":
            yield f"{where(path, node.lineno)}: np.load without allow_pickle=False"
        if called == "torch.load" and options.get("weights_only") != "True":
            yield f"{where(path, node.lineno)}: torch.load without weights_only=True"


def test_no_shell_no_pickle_no_eval() -> None:
    found = [text for package in ("rlops", "ppo_impl") for path in sources(package) for text in misdeeds(path)]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    "line",
    [
        "import pickle",
        "from pickle import loads",
        "eval('1')",
        "exec(text)",
        "subprocess.run('x', shell=True)",
        "subprocess.run('x', shell=flag)",
        "np.load(path)",
        "np.load(path, allow_pickle=True)",
        "torch.load(path)",
        "os.system('x')",
    ],
)
def test_the_search_finds_what_it_looks_for(line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    (tmp_path / "bad.py").write_text(f"def f():\n    {line}\n")
    assert len(list(misdeeds(tmp_path / "bad.py"))) == 1


@pytest.mark.parametrize("package", ["rlops", "ppo_impl"])
def test_templates_are_escaped(package: str) -> None:
    """select_autoescape() leaves *.html.j2 unescaped: autoescape is the word True, everywhere."""
    environments = [
        node
        for path in sources(package)
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in {"Environment", "Template"}
    ]
    for node in environments:
        assert {option.arg: ast.unparse(option.value) for option in node.keywords}.get("autoescape") == "True"
    assert bool(environments) == (package == "rlops")
