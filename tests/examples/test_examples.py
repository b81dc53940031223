"""What a user copies from `examples/`: the benchmark files fit their scripts, and the scripts log what they say.

stable-baselines3 is not installed here: its script runs against a stub with the same names, so what is tested is what
the script does with the logger it is given. examples/README.md shows it with the real one.
"""

import ast
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest

from rlops.curves import Loader, Run, Store, parse_reference
from rlops.plan import Benchmark, read_benchmark

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
BENCHMARKS = sorted(EXAMPLES.glob("*/benchmarks/*.toml"))
SCRIPTS = sorted(EXAMPLES.glob("*/*.py"))

STUB = {
    "__init__.py": """
class PPO:
    def __init__(self, policy, envs, *, seed, device, **hyperparameters):
        self.envs, self.hyperparameters = envs, hyperparameters
    def set_logger(self, logger):
        self.logger = logger
    def learn(self, total_timesteps):
        for step in range(256, total_timesteps + 1, 256):
            if step > 256:
                self.logger.record("rollout/ep_rew_mean", step / 8)
            self.logger.record("time/fps", 1000)
            self.logger.dump(step)
class DQN(PPO):
    pass
""",
    "common/__init__.py": "",
    "common/env_util.py": """
class Environments:
    def close(self):
        print("closed")
def make_vec_env(env_id, n_envs, seed):
    return Environments()
""",
    "common/logger.py": """
class KVWriter:
    pass
class HumanOutputFormat(KVWriter):
    def __init__(self, file):
        self.file = file
    def write(self, key_values, key_excluded, step=0):
        print(step, key_values, file=self.file)
class Logger:
    def __init__(self, folder, output_formats):
        self.output_formats, self.name_to_value = output_formats, {}
    def record(self, key, value):
        self.name_to_value[key] = value
    def dump(self, step=0):
        for writer in self.output_formats:
            assert isinstance(writer, KVWriter)
            writer.write(self.name_to_value, {key: ("",) for key in self.name_to_value}, step)
        self.name_to_value.clear()
""",
}


def name_of(path: Path) -> str:
    return str(path.relative_to(EXAMPLES))


def train(benchmark: Benchmark, example: str, env_id: str, seed: int, home: Path, **more: str) -> Run:
    """The benchmark's own command in a child process, offline; the run that rlops reads of it."""
    wandb_dir = home / "logs"
    wandb_dir.mkdir()
    ended = subprocess.run(
        [sys.executable, "-W", "error", *benchmark.argv(env_id, (seed,), sys.executable)[1:]],
        cwd=EXAMPLES / example,
        env={
            "PATH": os.defpath,
            "HOME": str(home),
            "WANDB_MODE": "offline",
            "WANDB_DIR": str(wandb_dir),
            "WANDB_SILENT": "true",
            "OMP_NUM_THREADS": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            **more,
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    (run,) = Loader(Store(home / "store"), benchmark.metric).runs(parse_reference(f"dir:{wandb_dir}")).runs
    return run


def test_there_are_three() -> None:
    assert [name_of(path) for path in BENCHMARKS] == [
        "sb3/benchmarks/dqn.toml",
        "sb3/benchmarks/ppo.toml",
        "single_file/benchmarks/classic.toml",
    ]


@pytest.mark.parametrize("path", BENCHMARKS, ids=name_of)
def test_benchmark_file_names_what_exists(path: Path) -> None:
    benchmark, folder = read_benchmark(path), path.parent.parent
    assert benchmark.command[0] == "{python}"
    assert (folder / benchmark.command[1]).is_file()
    assert benchmark.command[1] in benchmark.code
    assert all((folder / name).exists() for name in benchmark.code)
    required = (folder / "requirements.txt").read_text()
    assert all(package in required for package in benchmark.packages if package != "numpy")


@pytest.mark.parametrize("path", BENCHMARKS, ids=name_of)
def test_readme_shows_its_gate(path: Path) -> None:
    readme = (EXAMPLES / "README.md").read_text()
    name = path.stem
    assert f"rlops baseline save {name}" in readme
    assert f"rlops gate {name}" in readme


@pytest.mark.parametrize("path", SCRIPTS, ids=name_of)
def test_scripts_know_nothing_of_rlops(path: Path) -> None:
    assert "rlops" not in path.read_text()
    names = [
        alias.name if isinstance(node, ast.Import) else node.module
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    ]
    required = (path.parent / "requirements.txt").read_text().replace("-", "_").replace("python_", "")
    outside = {str(name).partition(".")[0] for name in names} - set(sys.stdlib_module_names)
    assert all(name in required for name in outside), outside


@pytest.mark.parametrize("seed", [7])
def test_the_single_file_is_read_back(seed: int, tmp_path: Path) -> None:
    benchmark = read_benchmark(EXAMPLES / "single_file/benchmarks/classic.toml").model_copy(update={"budget": 768})
    run = train(benchmark, "single_file", "CartPole-v1", seed, tmp_path)
    assert (run.state, run.env_id, run.seed) == ("finished", "CartPole-v1", seed)
    assert run.curve.steps.tolist() == [256, 512, 768]
    assert np.isfinite(run.curve.values).all()
    assert (run.curve.values > 0).all()


@pytest.mark.parametrize("name", ["ppo", "dqn"])
def test_the_writer_for_stable_baselines3_is_read_back(name: str, tmp_path: Path) -> None:
    for file, text in STUB.items():
        path = tmp_path / "stub" / "stable_baselines3" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    benchmark = read_benchmark(EXAMPLES / f"sb3/benchmarks/{name}.toml").model_copy(update={"budget": 1024})
    run = train(benchmark, "sb3", "CartPole-v1", 3, tmp_path, PYTHONPATH=str(tmp_path / "stub"))
    assert (run.state, run.env_id, run.seed) == ("finished", "CartPole-v1", 3)
    assert run.curve.steps.tolist() == [512, 768, 1024]  # no episode had ended in the first iteration
    assert run.curve.values.tolist() == [64.0, 96.0, 128.0]


def test_budgets_are_whole_iterations() -> None:
    """Otherwise the trainers go on to the next one, and the last steps of the budget are not the run's last."""
    for path in BENCHMARKS:
        if path.stem != "dqn":
            assert tomllib.loads(path.read_text())["budget"] % (8 * 32) == 0
