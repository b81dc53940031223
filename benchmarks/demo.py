"""`make demo`: the gate passes this checkout and catches a planted bug; both exit codes are checked here.

Trains the quick benchmark offline, needs no account, asks nothing, and depends on nothing the user's shell exports.
"""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STORE = ROOT / ".rlops"
REPORTS = STORE / "demo"
MUTANT = ROOT / "benchmarks" / "mutants" / "no_bootstrap.patch"
COPIED = ("ppo_impl", "benchmarks", "baselines")
PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TERM", "TMPDIR", "NO_COLOR")


def main() -> int:
    started = time.monotonic()
    REPORTS.mkdir(parents=True, exist_ok=True)
    good, bad = REPORTS / "checkout.html", REPORTS / "no_bootstrap.html"

    say("1/2  this checkout, fresh seeds until it is decided, against the stored seeds 1-20: it should pass")
    passed = gate(ROOT, good)

    say("2/2  the same with a bug planted (benchmarks/mutants/no_bootstrap.patch): it should be caught")
    caught = gate(copy_with_bug(REPORTS / "no_bootstrap"), bad)

    right = (passed, caught) == (0, 1)
    how = "as it should be" if right else "NOT AS IT SHOULD BE"
    say(f"{how}: exit codes {passed} and {caught} (0: pass, 1: regressed)")
    say(f"{time.monotonic() - started:.0f} s. The reports:")
    print(f"  {good}\n  {bad}", flush=True)
    return 0 if right else 1


def gate(folder: Path, report: Path) -> int:
    environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    command = [sys.executable, "-I", "-m", "rlops", "gate", "quick"]
    command += ["--dir", str(STORE), "--report", str(report)]
    return subprocess.run(command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, check=False).returncode


def copy_with_bug(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    for name in COPIED:
        source, target = ROOT / name, folder / name
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)
    # The copy lies inside a checkout, whose git must not take it for a part of itself.
    environment = {**os.environ, "GIT_CEILING_DIRECTORIES": str(folder.parent)}
    subprocess.run(["git", "apply", str(MUTANT)], cwd=folder, env=environment, check=True)
    return folder


def say(text: str) -> None:
    print(f"\n== {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
