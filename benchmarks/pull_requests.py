"""`make pull-requests`: what four pull requests to this repository come to, and what they cost.

A clone of the last commit gets four branches: docs (a text), refactoring (other code, the same numbers), harmless (an
equal formula that rounds otherwise: other numbers, drawn from the same distribution) and bug (the planted one of `make
demo`). Each is gated against main, then once more; then against the same benchmark with one look at all of its seeds,
which is what a fixed number of seeds costs. Prints tables; keeps the comments.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PLACE = ROOT / ".rlops" / "pull-requests"
REPOSITORY = PLACE / "repository"
MUTANT = "benchmarks/mutants/no_bootstrap.patch"
PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TERM", "TMPDIR")
EXPECTED = {"docs": 0, "refactoring": 0, "harmless": 0, "bug": 1}
PLAIN = "(advantages_SB - mean_S1) / (deviation_S1 + 1e-8)"
ROUNDED = "(advantages_SB - mean_S1) * (1 / (deviation_S1 + 1e-8))"
LOOKS, FIXED = "looks = [5, 8, 12, 20]", "looks = []"


def main() -> int:
    shutil.rmtree(PLACE, ignore_errors=True)
    PLACE.mkdir(parents=True)
    make_branches()
    rows = [gate(branch, "quick", call) for call in ("first", "again") for branch in EXPECTED]
    fixed = [gate(branch, "fixed", "first") for branch in EXPECTED]
    show("look by look", rows)
    show("one look at all seeds", fixed)
    print(f"\nthe comments: {PLACE}/*.md")
    right = all(row["exit"] == EXPECTED[row["branch"]] for row in (*rows, *fixed))
    return 0 if right and all(row["trained"] == 0 for row in rows if row["call"] == "again") else 1


def show(title: str, rows: list[dict]) -> None:
    print(f"\n{title}")
    print(f"{'branch':12} {'call':6} {'verdict':12} {'exit':>4} {'trained':>8} {'known':>6} {'seconds':>8}")
    for row in rows:
        print("{branch:12} {call:6} {verdict:12} {exit:4} {trained:8} {known:6} {seconds:8.1f}".format_map(row))


def make_branches() -> None:
    run("git", "clone", "--quiet", "--no-local", str(ROOT), str(REPOSITORY), folder=PLACE)
    run("git", "checkout", "--quiet", "-B", "main")
    quick = (REPOSITORY / "benchmarks" / "quick.toml").read_text()
    (REPOSITORY / "benchmarks" / "fixed.toml").write_text(replaced(quick, LOOKS, FIXED))
    commit("one look at all seeds")
    with_change("docs", lambda: append("README.md", "\nMore words.\n"))
    with_change("refactoring", lambda: append("ppo_impl/networks.py", "\nUNUSED = None\n"))
    with_change("harmless", lambda: edit("ppo_impl/ppo.py", PLAIN, ROUNDED))
    with_change("bug", lambda: run("git", "apply", MUTANT))


def with_change(branch: str, change) -> None:
    run("git", "checkout", "--quiet", "-b", branch, "main")
    change()
    commit(branch)


def commit(message: str) -> None:
    run("git", "add", "--all")
    run("git", "-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "--message", message)


def replaced(text: str, old: str, new: str) -> str:
    if text.count(old) != 1:
        sys.exit(f"{old!r} is no longer there once; change this script")
    return text.replace(old, new)


def edit(name: str, old: str, new: str) -> None:
    path = REPOSITORY / name
    path.write_text(replaced(path.read_text(), old, new))


def append(name: str, text: str) -> None:
    with (REPOSITORY / name).open("a") as file:
        file.write(text)


def gate(branch: str, benchmark: str, call: str) -> dict:
    run("git", "checkout", "--quiet", branch)
    started = time.monotonic()
    print(f"\n== {branch}, {benchmark}, {call} call", flush=True)
    done = rlops("gate", benchmark, "--base", "main", "--json", "--report", str(PLACE / f"{branch}-{benchmark}.html"))
    seconds = time.monotonic() - started
    verdict = json.loads(done.stdout)
    print(verdict["sentence"], flush=True)
    rlops("report", "--output", str(PLACE / f"{branch}-{benchmark}.md"))
    cost = verdict["cost"]
    return {
        "branch": branch, "call": call, "verdict": verdict["verdict"], "exit": done.returncode,
        "trained": cost["cells_trained"], "known": cost["cells_known"], "seconds": seconds,
    }  # fmt: skip


def rlops(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    return subprocess.run(
        [sys.executable, "-I", "-m", "rlops", *arguments],
        cwd=REPOSITORY, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip


def run(*command: str, folder: Path = REPOSITORY) -> None:
    subprocess.run(command, cwd=folder, check=True)


if __name__ == "__main__":
    sys.exit(main())
