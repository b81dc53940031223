"""What must be true of a benchmark for it to train and to be judged, looked at one by one. Nothing is trained."""

import difflib
import functools
import importlib.util
import netrc
import os
import re
import shutil
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from rlops.errors import NoBaselineError, UsageError
from rlops.plan import Benchmark, ask_git, installed_versions, read_benchmark
from rlops.plan.discover import CHANGE_ME, python_module
from rlops.strangers import clean
from rlops.workspace import Workspace

Status = Literal["ok", "warning", "missing"]
PATIENCE_SECONDS = 3
WANDB_SERVER = "https://api.wandb.ai"
NAMED = 6
ALIKE = 0.85
"""Names of packages are short, and many: torchrl is not torch misspelt (arbitrary)."""


@dataclass(frozen=True)
class Check:
    """One look at one thing. `missing`: something cannot work without it; `advice`: the next thing to do."""

    check: str
    status: Status
    detail: str
    advice: str = ""


def benchmark_checks(path: Path, workspace: Workspace) -> Iterator[Check]:
    """All checks of one benchmark file; of one that is not valid, its errors."""
    what = f"benchmark {path.stem}"
    try:
        benchmark = read_benchmark(path)
    except UsageError as error:
        for line in str(error).splitlines():
            yield Check(what, "missing", line, "mend the file; every key: docs/benchmarks.md of rlops")
        return
    here = Check(what, "ok", f"{_several(len(benchmark.environments), 'environment')}, {benchmark.budget:,} steps")
    if ask_git(workspace.root, "rev-parse", "HEAD") and not ask_git(workspace.root, "ls-files", "--", str(path)):
        here = Check(what, "warning", "the file is not in git yet", f"commit it: git add {path}")
    yield here
    yield from _code(benchmark, workspace.root, f"{what}: code")
    yield from _command(benchmark, workspace.root, f"{what}: command")
    yield from _packages(benchmark, f"{what}: packages")
    yield from _environments(benchmark, f"{what}: environments")
    yield _at_once(benchmark, f"{what}: cores")
    yield from _baseline(benchmark, workspace, f"{what}: baseline")
    yield from _wandb(benchmark, f"{what}: wandb")


def _code(benchmark: Benchmark, root: Path, what: str) -> Iterator[Check]:
    outside = [item for item in benchmark.code if Path(item).is_absolute()]
    gone = [item for item in benchmark.code if item not in outside and not (root / item).exists()]
    if outside:
        yield Check(what, "missing", f"{', '.join(outside)}: outside of {root}", "name paths from this folder on")
    if gone:
        yield Check(what, "missing", f"{', '.join(gone)}: not in {root}", "mend `code`; call rlops in the right folder")
    locks = [name for name in benchmark.dependencies.lock if not (root / name).is_file()]
    if locks:
        yield Check(what, "missing", f"{', '.join(locks)}: not in {root}", "mend `dependencies.lock`")
    if not (outside or gone or locks):
        yield Check(what, "ok", ", ".join(benchmark.code))


def _command(benchmark: Benchmark, root: Path, what: str) -> Iterator[Check]:
    program, *words = benchmark.command
    wrong = []
    if CHANGE_ME in " ".join(benchmark.command):
        wrong.append(Check(what, "missing", f"{CHANGE_ME} stands in it", "write what the trainer is to be given"))
    if program != "{python}" and shutil.which(str(root / program) if "/" in program else program) is None:
        wrong.append(Check(what, "missing", f"{program} is not on PATH", "install it, or write {python}"))
    scripts = [word for word in words if word.endswith(".py") and "{" not in word]
    gone = [word for word in scripts if not (root / word).is_file()]
    wrong += [Check(what, "missing", f"there is no file {word} in {root}", "mend the path") for word in gone]
    module = python_module(benchmark.command)
    if module is not None and not _has_module(module, benchmark, root):
        wrong.append(Check(what, "missing", f"there is no module {module}", "mend its name, or set PYTHONPATH"))
    yield from wrong or [Check(what, "ok", " ".join(benchmark.command))]


def _has_module(module: str, benchmark: Benchmark, root: Path) -> bool:
    """Is there such a file, or an installed package of that name? It is looked for, not imported."""
    folders = [root, *(root / entry for entry in benchmark.variables.get("PYTHONPATH", "").split(os.pathsep) if entry)]
    below = Path(*module.split("."))
    if any((folder / below.with_suffix(".py")).is_file() or (folder / below).is_dir() for folder in folders):
        return True
    top = module.partition(".")[0]
    return not _runs_here(benchmark) or (top.isidentifier() and importlib.util.find_spec(top) is not None)


def _runs_here(benchmark: Benchmark) -> bool:
    """Does it run in the interpreter of rlops, whose packages can be looked at?"""
    return benchmark.command[0] in {"{python}", sys.executable}


def _packages(benchmark: Benchmark, what: str) -> Iterator[Check]:
    installed = installed_versions(benchmark.packages)
    known = {name for distribution in metadata.distributions() if (name := distribution.name)}
    for name in [name for name in benchmark.packages if name not in installed]:
        near = difflib.get_close_matches(name, known, n=1, cutoff=ALIKE)
        suggestion = f"; did you mean {near[0]}?" if near else ""
        detail = f"{name} is not installed beside rlops, so its version decides nothing{suggestion}"
        if not _runs_here(benchmark):
            yield Check(what, "warning", detail, "name the lock file of the other environment in `code`")
        elif "packages" in benchmark.model_fields_set:
            yield Check(what, "missing", detail, f"install it, or take it out of `packages`: pip install {name}")
        else:
            yield Check(what, "warning", detail, "say in `packages` which ones the trainer uses")
    if installed:
        yield Check(what, "ok", ", ".join(f"{name} {version}" for name, version in installed.items()))
    elif not benchmark.packages:
        detail = "none is named: another version of one would train nothing again"
        yield Check(what, "warning", detail, "name those that decide the training")


def _environments(benchmark: Benchmark, what: str) -> Iterator[Check]:
    from rlops.launch import try_environments

    if not _runs_here(benchmark):
        yield Check(what, "ok", f"not tried: the trainer runs in another environment ({benchmark.command[0]})")
        return
    answers = try_environments(benchmark.environments)
    if answers is None:
        yield Check(what, "ok", "not tried: gymnasium is not installed beside rlops")
        return
    for env_id, why in answers.items():
        if why is not None and why.startswith("DependencyNotInstalled"):
            yield Check(what, "missing", f"{env_id}: {why.partition(': ')[2]}", "install it")
        elif why is not None:
            advice = "mend its name, or install what has it; nothing to do where the trainer itself registers it"
            yield Check(what, "warning", f"gymnasium cannot make {env_id}: {why}", advice)
    made = [env_id for env_id, why in answers.items() if why is None]
    if made:
        more = f" and {len(made) - NAMED} more" if len(made) > NAMED else ""
        yield Check(what, "ok", f"gymnasium makes {', '.join(made[:NAMED])}{more}")


def _at_once(benchmark: Benchmark, what: str) -> Check:
    from rlops.launch import LocalExecutor, cores, memory

    here, wanted, most = cores(), benchmark.resources.cores, benchmark.resources.memory_gb
    if wanted > here:
        return Check(what, "warning", f"one process takes {wanted} cores, there are {here}", "lower resources.cores")
    if most is not None and most > memory():
        free = f"{memory():.3g} GB are free"
        return Check(what, "warning", f"one process may take {most:g} GB, {free}", "lower resources.memory_gb")
    at_once = LocalExecutor(wanted, most).capacity()
    return Check(what, "ok", f"{at_once} processes at once (resources.cores = {wanted})")


def _baseline(benchmark: Benchmark, workspace: Workspace, what: str) -> Iterator[Check]:
    name = benchmark.baseline or benchmark.name
    again = f"rlops baseline save {name}{'' if name == benchmark.name else f' --benchmark {benchmark.name}'}"
    if not (workspace.baselines / f"{name}.json").is_file():
        yield Check(what, "warning", f"there is no baselines/{name}.json", f"{again}; a gate with --base needs none")
        return
    from rlops.curves import read_baseline
    from rlops.judge import definition_findings

    try:
        baseline = read_baseline(name, workspace.baselines)
    except (UsageError, NoBaselineError) as error:
        yield Check(what, "missing", str(error), f"restore it from git, or: {again}")
        return
    for finding in definition_findings(baseline, benchmark):
        status: Status = "missing" if finding.severity == "not-comparable" else "warning"
        yield Check(what, status, f"{f'{finding.env_id}: ' if finding.env_id else ''}{finding.detail}", again)
    there = {item.env_id: len(item.runs) for item in baseline.environments}
    gone = [env_id for env_id in benchmark.environments if env_id not in there]
    if gone:
        yield Check(what, "missing", f"it has no {', '.join(gone)}", again)
    seeds = [count for env_id, count in there.items() if env_id in benchmark.environments]
    if seeds:
        spread = f"{min(seeds)}" if min(seeds) == max(seeds) else f"{min(seeds)} to {max(seeds)}"
        yield Check(what, "ok", f"baselines/{name}.json: {spread} seeds on {_several(len(seeds), 'environment')}")


def _wandb(benchmark: Benchmark, what: str) -> Iterator[Check]:
    if benchmark.wandb.mode == "offline":
        yield Check(what, "ok", "offline: there is nothing to reach")
        return
    server = os.environ.get("WANDB_BASE_URL") or WANDB_SERVER
    if os.environ.get("WANDB_API_KEY"):
        yield Check(what, "ok", "online, WANDB_API_KEY is set")
    elif _netrc_has(urlsplit(server).hostname or ""):
        yield Check(what, "ok", f"online, the netrc file has a key for {urlsplit(server).hostname}")
    else:
        yield Check(what, "missing", f"there is no API key for {server}", "wandb login, or set WANDB_API_KEY")
    why = _unreachable(server)
    if why:
        yield Check(what, "missing", f"{server} cannot be reached: {why}", "mend network, proxy or WANDB_BASE_URL")
    else:
        yield Check(what, "ok", f"{server} answers")


def _several(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _netrc_has(host: str) -> bool:
    for path in (os.environ.get("NETRC", ""), Path.home() / ".netrc", Path.home() / "_netrc"):
        try:
            if netrc.netrc(str(path)).authenticators(host):
                return True
        except (OSError, netrc.NetrcParseError):
            continue
    return False


@functools.cache
def _unreachable(server: str) -> str | None:
    """Why the server gives no answer, None for any answer at all."""
    if not re.match(r"https?://", server):
        return "it is no http address"
    try:
        request = urllib.request.Request(server, method="HEAD")  # noqa: S310  (http or https: looked at above)
        with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS):  # noqa: S310
            return None
    except urllib.error.HTTPError:
        return None
    except (OSError, ValueError) as error:
        return clean(str(getattr(error, "reason", error)))
