"""`make bisect-demo`: a planted bug found among twelve commits to our own PPO by `rlops bisect` (docs/bisect.md).

A clone of the last commit gets a history: edits that change bytes and no numbers, a text, a commit that does not even
import, and in the middle the planted bug of `make demo`. Exits with 0 when just that commit is named.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MUTANT = "benchmarks/mutants/no_bootstrap.patch"
PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TERM", "TMPDIR")
HALF = "\nfrom ppo_impl.nowhere import nothing\n"
BUG = "Simplify the end of a segment"


def main() -> int:
    place = Path(tempfile.mkdtemp(prefix="rlops-bisect-"))
    try:
        return find_it(place / "repository")
    finally:
        shutil.rmtree(place)


def find_it(repository: Path) -> int:
    run("git", "clone", "--quiet", "--no-local", str(ROOT), str(repository), folder=ROOT)
    good, planted = git(repository, "rev-parse", "HEAD"), ""
    for subject, change in commits(repository):
        change()
        git(repository, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "--all", "--message", subject)
        if subject == BUG:
            planted = git(repository, "rev-parse", "HEAD")
    started = time.monotonic()
    done = rlops(repository, good, "HEAD")
    minutes = (time.monotonic() - started) / 60
    found = json.loads(done.stdout)
    print(f"\nexit code {done.returncode} after {minutes:.1f} minutes: {found['found']}, {found['probability']:.3f}")
    print(f"{found['env_id']}, {found['score']}: {found['drop']}")
    print(f"{found['commits']} commits, {found['left_out']} left out; {found['cells_trained']} cells trained")
    print(f"{found['runs']} of them in {len(found['tests'])} tests; next: {found['next_command']}")
    for commit in found["culprits"]:
        print("  {commit} {date} {author}: {subject}".format_map(commit))
    for commit in found["broken"]:
        print("  skipped: {subject}".format_map(commit))
    return 0 if [commit["commit"] for commit in found["culprits"]] == [planted] else 1


def commits(repository: Path) -> list[tuple[str, Callable[[], object]]]:
    """Subject and change of each."""

    def comment(name: str, text: str) -> Callable[[], object]:
        return lambda: append(repository / name, f"\n# {text}\n")

    return [
        ("Explain the networks", comment("ppo_impl/networks.py", "Orthogonal weights, as in the paper.")),
        ("Say more in the README", lambda: append(repository / "README.md", "\nMore words.\n")),
        ("Name the clock's tick", lambda: replace(repository / "ppo_impl/clock.py", "taken", "seconds")),
        ("Explain the optimizer", comment("ppo_impl/optimizer.py", "Adam, with the epsilon of the original.")),
        ("Explain the distributions", comment("ppo_impl/distributions.py", "One module for all action spaces.")),
        ("A helper for later", lambda: append(repository / "ppo_impl/networks.py", "\nUNUSED = None\n")),
        ("Half of a move", lambda: append(repository / "ppo_impl/ppo.py", HALF)),
        ("The other half", lambda: replace(repository / "ppo_impl/ppo.py", HALF, "\n# Moved.\n")),
        (BUG, lambda: git(repository, "apply", MUTANT)),
        ("Explain the kernel", comment("ppo_impl/kernel.py", "Checked against autograd.")),
        ("Explain the tracker", comment("ppo_impl/track.py", "Offline unless told otherwise.")),
        ("Explain the configuration", comment("ppo_impl/config.py", "Every default is CleanRL's.")),
    ]


def append(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


def replace(path: Path, before: str, after: str) -> None:
    path.write_text(path.read_text().replace(before, after))


def git(repository: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=repository, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def rlops(repository: Path, good: str, bad: str) -> subprocess.CompletedProcess[str]:
    environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    command = [sys.executable, "-I", "-m", "rlops", "bisect", good, bad, "--benchmark", "quick", "--json"]
    return subprocess.run(command, cwd=repository, env=environment, stdout=subprocess.PIPE, text=True, check=False)


def run(*command: str, folder: Path) -> None:
    subprocess.run(command, cwd=folder, check=True)


if __name__ == "__main__":
    sys.exit(main())
