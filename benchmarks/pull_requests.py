"""`make pull-requests`: what three pull requests to this repository come to, and what they cost.

A clone of the last commit gets three branches: docs (a text), refactoring (other code, the same numbers) and bug (the
planted one of `make demo`). Each is gated against main, then once more. Prints a table; keeps the comments.
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
EXPECTED = {"docs": 0, "refactoring": 0, "bug": 1}


def main() -> int:
    shutil.rmtree(PLACE, ignore_errors=True)
    PLACE.mkdir(parents=True)
    make_branches()
    rows = [gate(branch, call) for call in ("first", "again") for branch in EXPECTED]
    print(f"\n{'branch':12} {'call':6} {'verdict':12} {'exit':>4} {'trained':>8} {'known':>6} {'seconds':>8}")
    for row in rows:
        print("{branch:12} {call:6} {verdict:12} {exit:4} {trained:8} {known:6} {seconds:8.1f}".format_map(row))
    print(f"\nthe comments: {PLACE}/*.md")
    right = all(row["exit"] == EXPECTED[row["branch"]] for row in rows)
    return 0 if right and all(row["trained"] == 0 for row in rows if row["call"] == "again") else 1


def make_branches() -> None:
    run("git", "clone", "--quiet", "--no-local", str(ROOT), str(REPOSITORY), folder=PLACE)
    run("git", "checkout", "--quiet", "-B", "main")
    with_change("docs", lambda: append("README.md", "\nMore words.\n"))
    with_change("refactoring", lambda: append("ppo_impl/networks.py", "\nUNUSED = None\n"))
    with_change("bug", lambda: run("git", "apply", MUTANT))


def with_change(branch: str, change) -> None:
    run("git", "checkout", "--quiet", "-b", branch, "main")
    change()
    run("git", "-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "--all", "--message", branch)


def append(name: str, text: str) -> None:
    with (REPOSITORY / name).open("a") as file:
        file.write(text)


def gate(branch: str, call: str) -> dict:
    run("git", "checkout", "--quiet", branch)
    started = time.monotonic()
    print(f"\n== {branch}, {call} call", flush=True)
    done = rlops("gate", "quick", "--base", "main", "--json", "--report", str(PLACE / f"{branch}.html"))
    seconds = time.monotonic() - started
    verdict = json.loads(done.stdout)
    print(verdict["sentence"], flush=True)
    rlops("report", "--output", str(PLACE / f"{branch}.md"))
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
