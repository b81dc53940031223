"""What `rlops init` writes: a benchmark file, a workflow, a line in .gitignore. What is there already is left alone."""

import os
import re
import shlex
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rlops.ci import FOLDER, PLACEHOLDER, pull_request_workflow, workflows
from rlops.errors import UsageError
from rlops.files import write_whole
from rlops.plan import ask_git, read_benchmark
from rlops.plan.discover import Search, Trainer, draft, find_trainers, trainer_at, trainer_of
from rlops.workspace import Workspace

MOST_LISTED = 6
EXAMPLE = 'rlops init --command "python train.py --env {env_id} --seed {seed} --steps {budget}"'


@dataclass(frozen=True)
class Wishes:
    """What the user said."""

    name: str | None = None
    script: str | None = None
    command: str | None = None
    env_ids: tuple[str, ...] = ()
    budget: int | None = None
    workflow: bool = True

    @property
    def for_a_benchmark(self) -> bool:
        """Is there a word in it about what the benchmark is to be?"""
        return any((self.name, self.script, self.command, self.env_ids, self.budget))


@dataclass(frozen=True)
class Outcome:
    """What was done: files written, what was left and why, what is still to do; `benchmark`: the one to go on with."""

    benchmark: str
    written: tuple[Path, ...]
    left: tuple[str, ...]
    hints: tuple[str, ...]


@dataclass
class _Papers:
    """What is going to be written, collected before anything is."""

    new: dict[Path, str | bytes]
    left: list[str]
    hints: list[str]

    def add(self, path: Path, text: str) -> None:
        """A file, unless there is anything of that name."""
        if os.path.lexists(path):
            self.left.append(f"{_shown(path)} is there already")
        else:
            self.new[path] = text


def initialise(workspace: Workspace, wishes: Wishes) -> Outcome:
    """Find out what there is, then write what is missing. Raises UsageError, with nothing written, where it cannot."""
    papers = _Papers({}, [], [])
    name = _add_benchmark(workspace, wishes, papers)
    if wishes.workflow:
        _add_workflow(workspace.root, name, papers)
    _add_ignore_line(workspace, papers)
    for path, text in papers.new.items():
        write_whole(path, text)
    return Outcome(name, tuple(papers.new), tuple(papers.left), tuple(papers.hints))


def _add_benchmark(workspace: Workspace, wishes: Wishes, papers: _Papers) -> str:
    """The name of the benchmark to go on with."""
    if wishes.name is not None and not re.fullmatch(r"\w[\w.-]*", wishes.name):
        raise UsageError(f"--name: '{wishes.name}' is no name for a benchmark; use letters, digits, '.', '_' and '-'")
    there = sorted(path.stem for path in workspace.benchmarks.glob("*.toml"))
    if wishes.name in there:
        papers.left.append(f"benchmarks/{wishes.name}.toml is there already")
        return str(wishes.name)
    if there and not wishes.for_a_benchmark:
        papers.left.append(f"benchmarks/ has {', '.join(there)}; `rlops init --name NAME` writes another one")
        return there[0]
    trainer = _as_wished(_trainer(workspace.root, wishes, papers), wishes)
    name = wishes.name or _name(trainer)
    text = draft(trainer)
    _validate(name, text)
    path = workspace.benchmarks / f"{name}.toml"
    papers.add(path, text)
    if path in papers.new:
        papers.hints += trainer.notes
        open_lines = sum(word in line for line in text.splitlines()[2:] for word in ("GUESS", "NOT FOUND"))
        papers.hints += [f"{_shown(path)}: look at the lines with GUESS or NOT FOUND"] if open_lines else []
        if wishes.budget is not None and not any("{budget}" in word for word in trainer.command):
            papers.hints.append("the command has no {budget}: the trainer does not hear of --budget")
    return name


def _trainer(root: Path, wishes: Wishes, papers: _Papers) -> Trainer:
    if wishes.command is not None and wishes.script is not None:
        raise UsageError("--command says it all; leave it or --script out")
    if wishes.command is not None:
        return trainer_of(root, _split(wishes.command))
    if wishes.script is not None:
        return trainer_at(root, wishes.script)
    search = find_trainers(root)
    if not search.trainers:
        raise UsageError(_nothing_found(search))
    best, others = search.trainers[0], search.others
    if others:
        shown = ", ".join(other.script for other in others[:MOST_LISTED])
        more = f" and {len(others) - MOST_LISTED} more" if len(others) > MOST_LISTED else ""
        example = shlex.join(["rlops", "init", "--script", others[0].script])
        papers.hints.append(
            f"{best.script} is what looks most like a trainer; {shown}{more} are about as good: {example}"
        )
    return best


def _split(command: str) -> Sequence[str]:
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise UsageError(f"--command: {error} in: {command}") from None
    if not words:
        raise UsageError(f"--command: it is empty; write it like {EXAMPLE}")
    return words


def _nothing_found(search: Search) -> str:
    files = f"{search.looked_at} Python file{'' if search.looked_at == 1 else 's'}"
    looked_for = (
        "a script with a command line (argparse, tyro, click, typer, absl, fire, hydra, pyrallis) that has an option "
        "for the environment (--env-id, --env, --gym-id, --task, ...) and one for the seed (--seed)"
    )
    lacking = [f"  {script}: {what}" for script, what in search.lacking[:MOST_LISTED]]
    first = f"no training command was found in {files} of this folder. Looked for: {looked_for}"
    return "\n".join([first, *lacking, f"say how training is started: {EXAMPLE}"])


def _as_wished(trainer: Trainer, wishes: Wishes) -> Trainer:
    if not all(wishes.env_ids):
        raise UsageError("--env-id: it is empty; name an environment")
    given = "given to `rlops init`"
    if wishes.env_ids:
        trainer = replace(trainer, environments=tuple(dict.fromkeys(wishes.env_ids)), environments_why=given)
    if wishes.budget is not None:
        trainer = replace(trainer, budget=wishes.budget, budget_why=given)
    return trainer


def _name(trainer: Trainer) -> str:
    path = Path(trainer.script)
    stem = path.parent.name if path.stem == "__main__" else path.stem
    return re.sub(r"[^\w.-]+", "-", stem).lstrip(".-") or "benchmark"


def _validate(name: str, text: str) -> None:
    """A file that rlops itself would refuse is not written."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{name}.toml"
        path.write_text(text, encoding="utf-8")
        try:
            read_benchmark(path)
        except UsageError as error:
            what = re.sub(rf"^{re.escape(str(path))}:\d+: ", "", str(error), flags=re.MULTILINE)
            raise UsageError(f"the benchmark would not be valid, nothing was written: {what}") from None


def _add_workflow(root: Path, benchmark: str, papers: _Papers) -> None:
    top = Path(ask_git(root, "rev-parse", "--show-toplevel") or root)
    calling = [workflow.path.name for workflow in workflows(top) if workflow.calls_rlops]
    if calling:
        papers.left.append(f"{', '.join(calling)} in .github/workflows calls rlops already")
        return
    if top.resolve() != root.resolve():
        papers.left.append(
            f"no workflow: GitHub reads those at the top of the repository ({top}) alone; "
            "call `rlops init` there, or write one with the input working-directory"
        )
        return
    path, text = root / FOLDER / "rlops.yml", pull_request_workflow(benchmark)
    papers.add(path, text)
    if path not in papers.new:
        return
    if PLACEHOLDER in text:
        papers.hints.append(
            f"{_shown(path)}: put in for {PLACEHOLDER} where rlops is on GitHub, and the full SHA of a commit"
        )
    lacking = "" if (root / "requirements.txt").exists() else "; there is no requirements.txt here"
    papers.hints.append(f"{_shown(path)}: look at the lines marked EDIT (Python, your dependencies{lacking})")


def _add_ignore_line(workspace: Workspace, papers: _Papers) -> None:
    """What is trained and pulled does not belong in git."""
    root, store = workspace.root.resolve(), workspace.store.resolve()
    if not store.is_relative_to(root) or store == root:
        return
    name = store.relative_to(root).as_posix()
    path = root / ".gitignore"
    if path.is_symlink():
        papers.left.append(f".gitignore is a link; see that it has the line {name}/")
        return
    before = path.read_bytes() if path.exists() else b""
    if _ignores(before.decode(errors="replace"), name) or _git_ignores(root, name):
        papers.left.append(f"git ignores {name}/ already")
        return
    end = b"\r\n" if b"\r\n" in before else b"\n"
    gap = b"" if not before or before.endswith(b"\n") else end
    papers.new[path] = before + gap + f"{name}/".encode() + end


def _ignores(text: str, name: str) -> bool:
    """Does a line of a .gitignore name the folder?"""
    return any(line.strip().strip("/").removesuffix("/*").removeprefix("**/") == name for line in text.splitlines())


def _git_ignores(root: Path, name: str) -> bool:
    """Does git ignore what is in it, by a rule that stands outside of it?"""
    rule = ask_git(root, "check-ignore", "--verbose", "--no-index", f"{name}/x")
    return bool(rule) and f"{name}/.gitignore" not in str(rule).partition(":")[0]


def _shown(path: Path) -> str:
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
