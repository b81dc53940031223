"""What is set up, what is reachable, what is missing: one look at everything a gate needs. It changes nothing."""

import os
import platform
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from rlops import __version__
from rlops.checks import Check, benchmark_checks
from rlops.ci import PLACEHOLDER, Workflow, workflows
from rlops.launch import cores
from rlops.plan import ask_git
from rlops.workspace import Workspace

LITTLE_SPACE = 10**9
"""Bytes (arbitrary: a cell takes some MB)."""


def examine(workspace: Workspace) -> Iterator[Check]:
    """Every check, in the order in which things are set up."""
    yield _python()
    yield from _git(workspace.root)
    yield from _store(workspace)
    yield Check("cores", "ok", f"{cores()} of this machine's {os.cpu_count()}")
    files = sorted(workspace.benchmarks.glob("*.toml"))
    if not files:
        yield Check("benchmarks", "warning", "there is no file in benchmarks/", "rlops init")
    for path in files:
        yield from benchmark_checks(path, workspace)
    yield from _ci(workspace.root, {path.stem for path in files})


def _python() -> Check:
    """For the reader: an older Python than rlops needs does not come so far."""
    return Check("python", "ok", f"{platform.python_version()} ({sys.executable}), rlops {__version__}")


def _git(root: Path) -> Iterator[Check]:
    what = "git"
    if shutil.which("git") is None:
        yield Check(what, "warning", "git is not on PATH", "install it; without it there are no versions to compare")
        return
    top = ask_git(root, "rev-parse", "--show-toplevel")
    if top is None:
        refused = any((folder / ".git").exists() for folder in (root, *root.parents))
        detail = "git refuses this repository" if refused else "this folder is in no repository"
        advice = "git status says why" if refused else "git init; without it there are no versions to compare"
        yield Check(what, "warning", detail, advice)
        return
    head = ask_git(root, "log", "-1", "--format=%h")
    if not head:
        yield Check(what, "warning", f"{top} has no commit yet", "commit something")
        return
    branch = ask_git(root, "symbolic-ref", "--quiet", "--short", "HEAD")
    yield Check(what, "ok", f"{head} on {branch}" if branch else f"{head}, no branch")
    if ask_git(root, "rev-parse", "--is-shallow-repository") == "true":
        detail = "this clone is shallow: a gate with --base needs the merge base"
        yield Check("git: history", "warning", detail, "git fetch --unshallow")
    yield from _default_branch(root)


def _default_branch(root: Path) -> Iterator[Check]:
    what = "git: default branch"
    if "origin" not in (ask_git(root, "remote") or "").split():
        yield Check(what, "ok", "there is no remote called origin")
        return
    branch = ask_git(root, "symbolic-ref", "--quiet", "--short", "refs/remotes/origin/HEAD")
    if branch:
        yield Check(what, "ok", f"{branch}: rlops gate NAME --base {branch}")
    else:
        yield Check(
            what, "warning", "which branch of origin that is, is not known", "git remote set-head origin --auto"
        )


def _store(workspace: Workspace) -> Iterator[Check]:
    what, store = "store", workspace.store
    there = next(folder for folder in (store, *store.parents) if folder.exists())
    why = _not_writable(there)
    if why:
        yield Check(what, "missing", f"{there}: {why}", "choose another place: --dir, RLOPS_DIR")
        return
    free = shutil.disk_usage(there).free
    gigabytes = f"{free / 1e9:.1f} GB free"
    if free < LITTLE_SPACE:
        yield Check(
            what, "warning", f"{store}: only {gigabytes}", "make room, or choose another place: --dir, RLOPS_DIR"
        )
    else:
        yield Check(what, "ok", f"{store}: can be written, {gigabytes}")
    if not store.is_relative_to(workspace.root) or not ask_git(workspace.root, "rev-parse", "--show-toplevel"):
        return
    name = store.relative_to(workspace.root).as_posix()
    tracked = (ask_git(workspace.root, "ls-files", "--", name) or "").splitlines()
    if tracked:
        yield Check(f"{what}: git", "warning", f"{len(tracked)} files of it are in git", f"git rm -r --cached {name}")
    elif ask_git(workspace.root, "check-ignore", "--quiet", f"{name}/x") is None:
        yield Check(
            f"{what}: git", "warning", f"git does not ignore {name}/ yet", f"rlops init, or {name}/ in .gitignore"
        )
    else:
        yield Check(f"{what}: git", "ok", f"git ignores {name}/")


def _not_writable(folder: Path) -> str | None:
    try:
        with tempfile.TemporaryFile(dir=folder):
            return None
    except OSError as error:
        return error.strerror or str(error)


def _ci(root: Path, benchmarks: set[str]) -> Iterator[Check]:
    top = Path(ask_git(root, "rev-parse", "--show-toplevel") or root)
    calling = [workflow for workflow in workflows(top) if workflow.calls_rlops]
    if not calling:
        yield Check("ci", "warning", "no workflow in .github/workflows calls rlops", "rlops init writes one")
    for workflow in calling:
        yield from _workflow(workflow, benchmarks)
    if os.environ.get("GITHUB_ACTIONS") == "true":
        if os.environ.get("GITHUB_TOKEN"):
            yield Check("ci: token", "ok", "GITHUB_TOKEN is set")
        else:
            advice = "give the step env: GITHUB_TOKEN: ${{ github.token }}"
            yield Check("ci: token", "warning", "GITHUB_TOKEN is not set: nothing can be posted", advice)


def _workflow(workflow: Workflow, benchmarks: set[str]) -> Iterator[Check]:
    what = f"ci: {workflow.path.name}"
    wrong = []
    if workflow.has_placeholder:
        advice = "put in where rlops is on GitHub, and the full SHA of a commit"
        wrong.append(Check(what, "missing", f"it still says {PLACEHOLDER}", advice))
    if workflow.lacks_history:
        advice = "give actions/checkout `fetch-depth: 0`"
        wrong.append(Check(what, "warning", "it checks out the last commit alone: there is no merge base", advice))
    named = re.findall(r"^\s*benchmark:\s*[\"']?([\w.-]+)[\"']?\s*$", workflow.text, flags=re.MULTILINE)
    gone = sorted({name for name in named if not name.endswith(".toml")} - benchmarks)
    if gone and "working-directory:" not in workflow.text:
        wrong.append(
            Check(what, "missing", f"there is no benchmarks/{gone[0]}.toml", "mend the benchmark's name in it")
        )
    yield from wrong or [Check(what, "ok", "calls rlops")]
