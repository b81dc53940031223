"""Repositories made by a script: a main branch and branches that do what pull requests do."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

BENCHMARK = """
environments = ["some/Env-v0", "Other-v0"]
budget = 1_000
code = ["train.py"]
command = ["{python}", "train.py", "{env_id}", "{seed}"]
[seeds]
baseline = "1-5"
candidate = "101-105"
[metric]
name = "score"
step = "step"
[policy]
looks = []
confirm = 0
"""
TRAINER = '''
"""python train.py ENV_ID SEED: logs a noisy plateau to wandb, and leaves a line in the file STARTS."""
import os, random, sys
import wandb

LOSS = 0
env_id, seed = sys.argv[1], int(sys.argv[2])
with open(os.path.expanduser("~/starts"), "a") as file:
    file.write(f"{os.getcwd()} {env_id} {seed}\\n")
rng = random.Random(f"{env_id} {seed}")
run = wandb.init(config={}, settings=wandb.Settings(x_disable_stats=True, console="off", silent=True))
level = 100 + rng.gauss(0, 2) - LOSS
for step in range(10, 1001, 10):
    run.log({"score": min(step / 300, 1) * level, "step": step})
run.finish()
'''


@dataclass(frozen=True)
class Repo:
    """A git repository; its trainers count their starts in HOME, which is the repository's parent."""

    root: Path

    def git(self, *arguments: str) -> str:
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.root.parent), "GIT_CONFIG_NOSYSTEM": "1"}
        done = subprocess.run(
            ["git", "-c", "user.name=a", "-c", "user.email=a@b", *arguments],
            cwd=self.root, env=environment, capture_output=True, text=True, check=True,
        )  # fmt: skip
        return done.stdout.strip()

    def write(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def commit(self, message: str, **files: str) -> str:
        for name, text in files.items():
            self.write(name, text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        return self.git("rev-parse", "HEAD")

    def branch(self, name: str, start: str = "main") -> None:
        self.git("checkout", "--quiet", "-b", name, start)

    @property
    def starts(self) -> list[str]:
        """A line for every training that was started."""
        path = self.root.parent / "starts"
        return path.read_text().splitlines() if path.exists() else []


def make_repository(root: Path) -> Repo:
    """An empty repository with the branch main."""
    root.mkdir(parents=True)
    repository = Repo(root)
    repository.git("init", "--quiet", "--initial-branch=main")
    return repository


def three_branches(root: Path) -> Repo:
    """main, and from it: docs (a text), refactoring (other code, same numbers), bug (a loss planted)."""
    repository = make_repository(root)
    repository.commit("main", **{"benchmarks/own.toml": BENCHMARK, "train.py": TRAINER, "README.md": "hello\n"})
    repository.branch("docs")
    repository.commit("Say more", **{"README.md": "hello, world\n"})
    repository.branch("refactoring")
    refactored = TRAINER.replace(
        "level = 100 + rng.gauss(0, 2) - LOSS", "noise = rng.gauss(0, 2)\nlevel = 100 + noise - LOSS"
    )
    repository.commit("Name the noise", **{"train.py": refactored})
    repository.branch("bug")
    repository.commit("Tidy up", **{"train.py": TRAINER.replace("LOSS = 0", "LOSS = 60")})
    return repository
