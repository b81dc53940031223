"""The search for the training command: what it finds can be started, what it cannot know it does not claim."""

import ast
import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlops.errors import UsageError
from rlops.plan.discover import Trainer, draft, find_trainers, imports, python_module, trainer_at, trainer_of
from rlops.plan.discover.hydra import scalars
from rlops.plan.discover.logged import Metric
from rlops.plan.discover.options import as_steps
from rlops.plan.discover.source import UNKNOWN, Source
from rlops.plan.discover.sources import MOST_BYTES, Sources
from rlops.plan.discover.trainer import Part
from tests.plan.repositories import STYLES, build

VALUES = {"{python}": sys.executable, "{env_id}": "Swimmer-v9", "{seed}": "77", "{seeds}": "77", "{budget}": "123456"}
NEVER = "import wandb  # noqa\n\ndef never(args):\n    if args.track:\n        wandb.init()\n"
"""What makes a script a trainer's, in a function that is not called."""


def find(folder: Path, files: dict[str, str], *, git: bool = False) -> Trainer:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    if git:
        subprocess.run(["git", "init", "-q", str(folder)], check=True)
    return find_trainers(folder).trainers[0]


def start(trainer: Trainer, folder: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the command prints that was found; its imports of packages are served by empty ones."""
    fake = tmp_path_factory.mktemp("packages")
    for name in ("wandb", "torch", "gymnasium"):
        (fake / f"{name}.py").touch()
    entries = [os.path.abspath(folder / entry) for _, value in trainer.variables for entry in value.split(":")]
    command = [VALUES.get(part, part) for part in trainer.command]
    for name, value in VALUES.items():
        command = [part.replace(name, value) for part in command]
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join([*entries, str(fake)])}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


ARGPARSE = """
import argparse, json
import wandb

def never(args):
    if args.track:
        wandb.init()

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
{body}
    print(json.dumps(vars(parser.parse_args())))
"""
CLICK = """
import click, json
import wandb

{body}

if __name__ == "__main__":
    {main}()
"""
GROUP = "@click.group()\ndef cli(): pass\n\n"
TRACK = "parser.add_argument('--track', action='store_true')"


class TestCommandLinesThatTheirScriptsTake:
    """The script itself is the oracle: it is started with what was found, and says what arrived."""

    @pytest.mark.parametrize(
        ("lines", "arrived"),
        [
            (["parser.add_argument('--env-id')", "parser.add_argument('--seed', type=int)"], {}),
            (["parser.add_argument('-e', '--env')", "parser.add_argument('-s', '--random-seed', type=int)"], {}),
            (["parser.add_argument('-env')", "parser.add_argument('-seed', type=int)"], {}),
            (["parser.add_argument('env_id')", "parser.add_argument('seed', type=int)"], {}),
            (["parser.add_argument('seed', type=int)", "parser.add_argument('env_id')"], {}),
            (
                [
                    "parser.add_argument('algo', choices=['ppo', 'sac'])",
                    "parser.add_argument('seed', type=int)",
                    "parser.add_argument('env_id')",
                    "parser.add_argument('notes', nargs='?')",
                ],
                {"algo": "ppo", "notes": None},
            ),
            (
                [
                    "parser.add_argument('--env_name', required=True)",
                    "parser.add_argument('--seed', type=int, required=True)",
                    "parser.add_argument('--algo', choices=['a', 'b'], required=True)",
                ],
                {"algo": "a"},
            ),
            (
                [
                    "group = parser.add_argument_group('x')",
                    "group.add_argument('--env_id', default='A-v1')",
                    "parser.add_mutually_exclusive_group().add_argument('--seed', type=int)",
                ],
                {},
            ),
            (["parser.add_argument('--env-ids', nargs='+', dest='e')", "parser.add_argument('--env-id')",
              "parser.add_argument('--seeds', nargs='+', type=int)"], {"e": None, "seeds": [77]}),
        ],
        ids=lambda value: " ".join(value) if isinstance(value, list) else "",
    )  # fmt: skip
    def test_argparse(
        self, lines: list[str], arrived: dict[str, object], tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        steps = "parser.add_argument('--total-timesteps', type=float, default=5e5)"
        body = "\n".join(f"    {line}" for line in [*lines, steps, TRACK])
        trainer = find(tmp_path, {"run.py": ARGPARSE.format(body=body)})
        said = json.loads(start(trainer, tmp_path, tmp_path_factory))
        assert "Swimmer-v9" in said.values()
        assert 77 in said.values() or [77] in said.values()
        assert (said["total_timesteps"], said["track"]) == (123456, True)
        assert {key: said[key] for key in arrived} == arrived

    @pytest.mark.parametrize(
        "track",
        [
            "parser.add_argument('--track', default=False, action=argparse.BooleanOptionalAction)",
            "parser.add_argument('--track', type=lambda x: bool(int(x == 'True')), default=False)",
            "parser.add_argument('--track', type=lambda x: bool(x), default=False, nargs='?', const=True)",
            "parser.add_argument('--use-wandb', '--track', dest='track', action='store_true')",
        ],
    )
    def test_switches(self, track: str, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
        lines = ["parser.add_argument('--env')", "parser.add_argument('--seed')", track]
        trainer = find(tmp_path, {"run.py": ARGPARSE.format(body="\n".join(f"    {line}" for line in lines))})
        assert json.loads(start(trainer, tmp_path, tmp_path_factory))["track"] is True

    @pytest.mark.parametrize(
        "track",
        [
            "parser.add_argument('--track', action='store_true', default=True)",
            "parser.add_argument('--no-track', dest='track', action='store_false')",
        ],
    )
    def test_what_is_on_is_left_on(self, track: str, tmp_path: Path) -> None:
        lines = ["parser.add_argument('--env')", "parser.add_argument('--seed')", track]
        trainer = find(tmp_path, {"run.py": ARGPARSE.format(body="\n".join(f"    {line}" for line in lines))})
        assert trainer.command == ("{python}", "run.py", "--env", "{env_id}", "--seed", "{seed}")

    def test_subcommands(self, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
        lines = [
            "sub = parser.add_subparsers(required=True)",
            "look = sub.add_parser('look')",
            "look.add_argument('--env')",
            "fit = sub.add_parser('fit')",
            "fit.add_argument('--env')",
            "fit.add_argument('--seed')",
            "fit.add_argument('--steps', default=50_000)",
        ]
        trainer = find(tmp_path, {"run.py": ARGPARSE.format(body="\n".join(f"    {line}" for line in lines))})
        assert trainer.command[:3] == ("{python}", "run.py", "fit")
        said = json.loads(start(trainer, tmp_path, tmp_path_factory))
        assert said == {"env": "Swimmer-v9", "seed": "77", "steps": "123456"}

    @pytest.mark.parametrize(
        ("main", "head"),
        [
            ("train", "@click.command()"),
            ("cli", f"{GROUP}@cli.command()\n@click.argument('x')\ndef other(x): pass\n@cli.command()"),
            ("cli", f"{GROUP}@cli.command('fit')"),
            ("cli", f"{GROUP}@cli.command(name='fit-it')"),
        ],
    )  # fmt: skip
    @pytest.mark.parametrize(
        "options",
        [
            ["@click.option('--env-id')", "@click.option('--seed')", "@click.option('--track', is_flag=True)"],
            ["@click.option('-e', '--env')", "@click.argument('seed')", "@click.option('--track/--no-track')"],
            ["@click.argument('seed')", "@click.argument('env_id')", "@click.option('--track', type=bool)"],
            ["@click.option('--task', required=True)", "@click.option('--seed', required=True)",
             "@click.option('--algo', type=click.Choice(['a', 'b']), required=True)",
             "@click.option('--track/--no-track', default=False)"],
        ],
    )  # fmt: skip
    def test_click(
        self, main: str, head: str, options: list[str], tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        guard = "    if kw['track']:\n        print(json.dumps(kw))\n        getattr(wandb, 'init', print)()"
        body = "\n".join([head, *options, "@click.option('--steps', default=20_000)", "def train(**kw):", guard])
        trainer = find(tmp_path, {"run.py": CLICK.format(body=body, main=main)})
        said = json.loads(start(trainer, tmp_path, tmp_path_factory).splitlines()[0])
        assert {"Swimmer-v9", "77"} <= {str(value) for value in said.values()}
        assert (said["steps"], said["track"]) == (123456, True)


PRINT = "print('started')\n"
CLI = """
import argparse
import torch
{imports}

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--env")
    parser.add_argument("--seed")
    parser.parse_args()
    print("started")
"""


@pytest.mark.parametrize(
    ("script", "imports", "others", "command", "pythonpath"),
    [
        ("train.py", "import helper", ["helper.py"], ["train.py"], None),
        ("rl/train.py", "", ["rl/__init__.py"], ["rl/train.py"], None),
        ("rl/train.py", "import helper", ["rl/helper.py"], ["rl/train.py"], None),
        ("rl/train.py", "import helper", ["helper.py"], ["-m", "rl.train"], None),
        ("rl/train.py", "from rl import helper", ["rl/helper.py"], ["-m", "rl.train"], None),
        ("rl/train.py", "from . import helper", ["rl/__init__.py", "rl/helper.py"], ["-m", "rl.train"], None),
        ("rl/deep/train.py", "from ..helper import x", ["rl/__init__.py", "rl/deep/__init__.py", "rl/helper.py"],
         ["-m", "rl.deep.train"], None),
        ("rl/__main__.py", "from rl.helper import x", ["rl/__init__.py", "rl/helper.py"], ["-m", "rl"], None),
        ("rl/__main__.py", "", ["rl/__init__.py"], ["-m", "rl"], None),
        ("src/rl/train.py", "from rl import helper", ["src/rl/__init__.py", "src/rl/helper.py"],
         ["src/rl/train.py"], "src"),
        ("src/rl/train.py", "from . import helper", ["src/rl/__init__.py", "src/rl/helper.py"],
         ["-m", "rl.train"], "src"),
        ("src/rl/__main__.py", "from rl import helper", ["src/rl/__init__.py", "src/rl/helper.py"],
         ["-m", "rl"], "src"),
        ("scripts/train.py", "from rl import helper", ["src/rl/__init__.py", "src/rl/helper.py"],
         ["scripts/train.py"], "src"),
        ("scripts/train.py", "from rl import helper", ["python/rl/__init__.py", "python/rl/helper.py"],
         ["scripts/train.py"], "python"),
        ("rl/train.py", "import helper, top", ["rl/helper.py", "top.py"], ["rl/train.py"], "."),
        ("my-scripts/train.py", "import top", ["top.py"], ["my-scripts/train.py"], "."),
        ("my scripts/train.py", "import top, rl.helper", ["top.py", "src/rl/helper.py"],
         ["my scripts/train.py"], ".:src"),
    ],
)  # fmt: skip
def test_a_script_is_started_so_that_its_imports_are_found(
    script: str,
    imports: str,
    others: list[str],
    command: list[str],
    pythonpath: str | None,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    files = dict.fromkeys(others, "x = 1\n") | {script: CLI.format(imports=imports)}
    trainer = find(tmp_path, files)
    assert list(trainer.command[1 : 1 + len(command)]) == command
    assert dict(trainer.variables).get("PYTHONPATH") == pythonpath
    assert start(trainer, tmp_path, tmp_path_factory) == "started\n"


class TestCode:
    def code(self, folder: Path, files: dict[str, str]) -> tuple[str, ...]:
        return find(folder, {name: text or "x = 1\n" for name, text in files.items()}).code

    def test_folders_rather_than_the_files_in_them(self, tmp_path: Path) -> None:
        imports = "from rl.nets import mlp\nimport alone\nfrom plain.deep import helper"
        files = {"train.py": CLI.format(imports=imports), "alone.py": "", "unused.py": "", "other/__init__.py": ""}
        files |= {"rl/__init__.py": "", "rl/nets/__init__.py": "", "rl/nets/mlp.py": "", "plain/deep/helper.py": ""}
        assert self.code(tmp_path, files) == ("train.py", "rl", "alone.py", "plain/deep")

    def test_what_imported_files_import_is_followed(self, tmp_path: Path) -> None:
        files = {"train.py": CLI.format(imports="import a"), "a.py": "def f():\n    import b\n", "b.py": "import a\n"}
        assert self.code(tmp_path, files) == ("train.py", "a.py", "b.py")

    def test_a_script_among_others_stands_alone(self, tmp_path: Path) -> None:
        files = {"rl/train.py": CLI.format(imports=""), "rl/other.py": "", "rl/__init__.py": ""}
        assert self.code(tmp_path, files) == ("rl/train.py",)

    def test_a_script_of_a_package_that_it_uses_is_the_package(self, tmp_path: Path) -> None:
        files = {"rl/train.py": CLI.format(imports="from rl import other"), "rl/other.py": "", "rl/__init__.py": ""}
        assert self.code(tmp_path, files) == ("rl",)

    def test_the_script_comes_first(self, tmp_path: Path) -> None:
        files = {"rl/train.py": CLI.format(imports="import alone, helper"), "alone.py": "", "rl/helper.py": ""}
        assert self.code(tmp_path, files) == ("rl", "alone.py")

    def test_settings_that_are_named(self, tmp_path: Path) -> None:
        imports = "A = 'conf/a.yaml'\nB = 'b.json'\nC = 'none.toml'\nD = '../d.yaml'\nE = '/etc/e.yaml'\nF = 'uv.lock'"
        files = {"rl/train.py": CLI.format(imports=imports), "conf/a.yaml": "", "rl/b.json": "", "uv.lock": ""}
        assert self.code(tmp_path / "repository", files | {"../d.yaml": ""}) == (
            "rl/train.py", "conf/a.yaml", "rl/b.json", "uv.lock",
        )  # fmt: skip

    @pytest.mark.parametrize(
        ("there", "named"),
        [
            (["requirements.txt", "requirements-dev.txt", "constraints.txt"], ["constraints.txt", "requirements.txt"]),
            (["requirements_gpu.txt", "test-requirements.txt"], ["requirements_gpu.txt"]),
            (["uv.lock", "pyproject.toml"], ["uv.lock"]),
            (["poetry.lock", "requirements.txt"], ["poetry.lock", "requirements.txt"]),
            (["environment.yml", "setup.py"], ["environment.yml"]),
            (["pyproject.toml"], ["pyproject.toml"]),
            (["setup.cfg"], ["setup.cfg"]),
            ([], []),
        ],
    )
    def test_what_says_which_packages_are_installed(self, there: list[str], named: list[str], tmp_path: Path) -> None:
        text = {"pyproject.toml": '[project]\nname = "x"\ndependencies = ["torch"]\n'}
        text |= {"setup.cfg": "[options]\ninstall_requires = torch\n", "setup.py": "setup(install_requires=['x'])\n"}
        files = {name: text.get(name, "x\n") for name in there} | {"train.py": CLI.format(imports="")}
        assert list(self.code(tmp_path, files)) == ["train.py", *named]

    @pytest.mark.parametrize(
        "text", ['[project]\nname = "x"\n', "[tool.ruff]\n", "[project\n", '[tool]\npoetry = "x"\n', "project = 1\n"]
    )
    def test_a_pyproject_without_dependencies_decides_nothing(self, text: str, tmp_path: Path) -> None:
        assert self.code(tmp_path, {"pyproject.toml": text, "train.py": CLI.format(imports="")}) == ("train.py",)

    def test_poetry_lists_dependencies_elsewhere(self, tmp_path: Path) -> None:
        text = '[tool.poetry.dependencies]\ntorch = "*"\n'
        assert "pyproject.toml" in self.code(tmp_path, {"pyproject.toml": text, "train.py": CLI.format(imports="")})


class TestPackages:
    @pytest.mark.parametrize(
        ("imports", "packages"),
        [
            ("import numpy as np, cv2", ("torch", "numpy", "opencv-python")),
            ("from jax import numpy", ("torch", "jax", "jaxlib")),
            ("import wandb, tqdm, yaml, matplotlib", ("torch",)),
            ("try:\n    import gymnasium\nexcept ImportError:\n    import gym", ("torch", "gymnasium")),
            ("try:\n    import ale_py\nexcept ImportError:\n    ale_py = None", ("torch",)),
            ("try:\n    import ale_py\nexcept Exception:\n    ale_py = None", ("torch",)),
            ("try:\n    import ale_py\nfinally:\n    x = 1", ("torch", "ale-py")),
            ("with x:\n    import numba", ("torch", "numba")),
            ("if x:\n    import jax", ("torch",)),
            ("def f():\n    import numba", ("torch", "numba")),
            ("import helper", ("torch", "scipy")),
        ],
    )
    def test_those_that_decide_numbers(self, imports: str, packages: tuple[str, ...], tmp_path: Path) -> None:
        helper = "import scipy\nif scipy:\n    import flax\ndef f():\n    import brax\n"
        trainer = find(tmp_path, {"train.py": CLI.format(imports=imports), "helper.py": helper})
        assert set(trainer.packages) == set(packages)

    def test_a_folder_of_logs_is_no_package(self, tmp_path: Path) -> None:
        """`wandb/` is where wandb logs; `torch.py` beside the script is what `import torch` takes."""
        (tmp_path / "wandb").mkdir()
        script = CLI.format(imports="import wandb")
        assert "wandb" not in find(tmp_path, {"train.py": script}).code
        trainer = find(tmp_path, {"train.py": script, "torch.py": "import numpy\n"})
        assert (trainer.code, trainer.packages) == (("train.py", "torch.py"), ("numpy",))


LOGS = """
import argparse, torch, wandb
from torch.utils.tensorboard import SummaryWriter
{imports}

def train(args, writer, logger, run):
    {wandb}
{body}

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--env")
    parser.add_argument("--seed")
"""


class TestMetric:
    def metric(self, folder: Path, *body: str, wandb: str = "wandb.init()", imports: str = "") -> Metric | None:
        text = LOGS.format(body="\n".join(f"    {line}" for line in body), wandb=wandb, imports=imports)
        return find(folder, {"train.py": text}).metric

    @pytest.mark.parametrize(
        ("body", "name", "step"),
        [
            ("wandb.log({'charts/episodic_return': 1, 'global_step': 2})", "charts/episodic_return", "global_step"),
            ("run.log({'ret/episode_reward': 1, 'train/env_steps': 2})", "ret/episode_reward", "train/env_steps"),
            ("wandb.log({'score': 1}, step=3)", "score", "_step"),
            ("wandb.log(dict(ep_return=1, frames=2))", "ep_return", "frames"),
            ("d = {'loss': 1}; d['return'] = 2; d['steps'] = 3; wandb.log(d)", "return", "steps"),
            ("d = {'episode_return': 1}; wandb.log({'step': 1, **d})", "episode_return", "step"),
            ("wandb.log({'eval/episodic_return': 1}); wandb.log({'train/episodic_return': 1}, step=1)",
             "train/episodic_return", "_step"),
            ("wandb.log({'reward': 1}); wandb.log({'eval/episode_return': 1}, step=1)", "eval/episode_return", "_step"),
            ("wandb.log({'teacher/episodic_return': 1}); wandb.log({'mean_reward': 1}, step=1)", "mean_reward",
             "_step"),
            ("wandb.log({'policy.Mean-Return': 1, 'total_steps': 1})", "policy.Mean-Return", "total_steps"),
            ("KEY = 1; logger.log('episodic_return', 3); wandb.log({'return': 1}, step=1)", "return", "_step"),
        ],
    )  # fmt: skip
    def test_the_value_most_like_a_return(self, body: str, name: str, step: str, tmp_path: Path) -> None:
        metric = self.metric(tmp_path, *body.split("; "))
        assert metric is not None
        assert (metric.name, metric.step, metric.sure, metric.sure_of_step) == (name, step, True, True)
        assert metric.why.startswith("train.py:")

    @pytest.mark.parametrize(
        "body", ["wandb.log({'losses/return': 1})", "wandb.log({'returns': 1})", "wandb.log(x)", "wandb.log({x: 1})",
                 "wandb.log({f'{x}/return': 1})", "print('episodic_return')", "wandb.log()",
                 "logger.log('score')"],
    )  # fmt: skip
    def test_nothing_is_claimed_where_none_is_in_plain_sight(self, body: str, tmp_path: Path) -> None:
        assert self.metric(tmp_path, body) is None

    @pytest.mark.parametrize("wandb", ["wandb.init(sync_tensorboard=True)", "wandb.tensorboard.patch()"])
    def test_tensorboard_that_wandb_copies(self, wandb: str, tmp_path: Path) -> None:
        metric = self.metric(tmp_path, "writer.add_scalar('charts/episodic_return', 1, 2)", wandb=wandb)
        assert metric is not None
        assert (metric.name, metric.step, metric.sure, metric.sure_of_step) == (
            "charts/episodic_return", "global_step", True, True,
        )  # fmt: skip

    def test_steps_that_the_call_itself_names(self, tmp_path: Path) -> None:
        metric = self.metric(tmp_path, "wandb.log({'return': 1}, step=2)", wandb="wandb.init(sync_tensorboard=True)")
        assert metric is not None
        assert metric.step == "_step"

    def test_a_name_that_is_set_again_and_again(self, tmp_path: Path) -> None:
        metric = self.metric(tmp_path, *["d = {'score': 1}"], *["d = {**d}"] * 3000, "wandb.log(d, step=1)")
        assert metric is not None
        assert metric.name == "score"

    @pytest.mark.parametrize(
        "wandb", ["wandb.init()", "wandb.init(sync_tensorboard=False)", "wandb.init(project='p', monitor_gym=True)"]
    )
    def test_tensorboard_that_wandb_never_sees_is_a_guess(self, wandb: str, tmp_path: Path) -> None:
        metric = self.metric(tmp_path, "writer.add_scalar('charts/episodic_return', 1, 2)", wandb=wandb)
        assert metric is not None
        assert (metric.sure, metric.sure_of_step, metric.step) == (False, False, "_step")

    def test_what_wandb_sees_goes_before_what_it_does_not(self, tmp_path: Path) -> None:
        metric = self.metric(tmp_path, "writer.add_scalar('episodic_return', 1, 2)", "wandb.log({'score': 1}, step=2)")
        assert metric is not None
        assert metric.name == "score"

    @pytest.mark.parametrize(
        ("imports", "body", "name"),
        [
            ("from stable_baselines3 import PPO", "PPO('MlpPolicy', 'A').learn(1)", "rollout/ep_rew_mean"),
            ("import stable_baselines3", "model.learn(1)", "rollout/ep_rew_mean"),
            ("from stable_baselines3 import PPO", "pass", None),
            ("from stable_baselines3.common.buffers import ReplayBuffer", "model.learn(1)", None),
            ("", "model.learn(1)", None),
            ("from stable_baselines3 import PPO", "model.learn(wandb.log({'score': 1}, step=1))", "score"),
        ],
    )
    def test_stable_baselines(self, imports: str, body: str, name: str | None, tmp_path: Path) -> None:
        """Its buffers and wrappers are used by others, too."""
        metric = self.metric(tmp_path, body, imports=imports, wandb="wandb.init(sync_tensorboard=True)")
        assert (metric.name if metric else None) == name
        metric = self.metric(tmp_path, body, imports=imports)
        assert metric is None or (metric.sure == (metric.name == "score"))
        assert metric is None or ("needs sync_tensorboard=True" in metric.why) == (metric.name != "score")

    @pytest.mark.parametrize(
        "imports",
        ["import wandb.util", "from wandb import log, init", "import wandb as wb", "from wandb import sdk as wandb"],
    )
    def test_however_it_was_imported(self, imports: str, tmp_path: Path) -> None:
        call = {"wandb.util": "wandb.init", "log, init": "init", "as wb": "wb.init"}
        init = next((name for part, name in call.items() if part in imports), "wandb.init")
        text = LOGS.replace(", wandb", "").format(body="    pass", wandb=f"{init}(dir='x')", imports=imports)
        found = [note for note in find(tmp_path, {"train.py": text}).notes if "dir=" in note]
        assert bool(found) == ("sdk" not in imports)

    def test_a_step_of_another_row_is_not_this_ones(self, tmp_path: Path) -> None:
        metric = self.metric(tmp_path, "run.log({'episode_return': 1})", "run.log({'loss': f(), 'env_step': 1})")
        assert metric is not None
        assert (metric.step, metric.sure_of_step) == ("_step", False)

    def test_a_wrapper_that_adds_the_step_is_a_guess(self, tmp_path: Path) -> None:
        metric = self.metric(tmp_path, "logger.log({'episode_return': 1})", "run.log({**args.x, 'env_step': 1})")
        assert metric is not None
        assert (metric.name, metric.step, metric.sure, metric.sure_of_step) == (
            "episode_return", "env_step", True, False,
        )  # fmt: skip


class TestFacts:
    @pytest.mark.parametrize(
        ("option", "environments", "why"),
        [
            ("'--env', default='A-v1'", ("A-v1",), "the default of --env, train.py:"),
            ("'--env', default=['A-v1', 'B-v1'], nargs='+'", ("A-v1", "B-v1"), "the default of --env, train.py:"),
            ("'--env', default=NAME", ("C-v1",), "the default of --env, train.py:"),
            ("'--env', choices=['A-v1', 'B-v1']", ("A-v1",), "GUESS: the first of A-v1, B-v1"),
            ("'--env', default=None", ("Made-v1",), "GUESS: train.py:"),
            ("'--env', default=pick()", ("Made-v1",), "GUESS: train.py:"),
        ],
    )
    def test_environments(self, option: str, environments: tuple[str, ...], why: str, tmp_path: Path) -> None:
        text = CLI.format(imports="import gymnasium as g\nNAME = 'C-v1'\nE = lambda: g.make('Made-v1')")
        trainer = find(tmp_path, {"train.py": text.replace('"--env"', option)})
        assert (trainer.environments, trainer.environments_why[: len(why)]) == (environments, why)

    @pytest.mark.parametrize(
        ("option", "budget", "sure", "passed"),
        [
            ("'--total-timesteps', default=500_000", 500_000, True, True),
            ("'--total_timesteps', default=int(1e6)", 1_000_000, True, True),
            ("'--n-timesteps', default=5 * 10**4", 50_000, True, True),
            ("'--max_steps', default='1e5'", 100_000, True, True),
            ("'--steps', default=BUDGET", 20_000, True, True),
            ("'--steps', default=2048", 100_000, False, False),
            ("'--steps', type=int", 100_000, False, True),
            ("'--steps', default=f()", 100_000, False, True),
            ("'--steps', default=[1], nargs='+'", 100_000, False, False),
            ("'--num-steps', default=128", 100_000, False, False),
            ("'--num-steps', type=int", 100_000, False, False),
            ("'--num-steps', default=2048 * 500", 1_024_000, True, True),
            ("'--total-timesteps', default=-1", 100_000, False, True),
            ("'--total-timesteps', default=99", 100_000, False, True),
            ("'--total-timesteps', default=float('inf')", 100_000, False, True),
            ("'--epochs', default=100_000_000", 100_000, False, False),
        ],
    )
    def test_budget(self, option: str, budget: int, sure: bool, passed: bool, tmp_path: Path) -> None:
        text = CLI.format(imports="BUDGET = 20_000")
        text = text.replace(
            '    parser.add_argument("--env")', f'    parser.add_argument("--env")\n    parser.add_argument({option})'
        )
        trainer = find(tmp_path, {"train.py": text})
        assert (trainer.budget, trainer.budget_why.startswith("the default of ")) == (budget, sure)
        assert ("{budget}" in trainer.command) == passed

    @pytest.mark.parametrize(
        ("options", "flag"),
        [
            (["--env", "--env-id"], "--env-id"),
            (["--task", "--env"], "--env"),
            (["--game", "--task"], "--task"),
            (["--wandb-project", "--environment"], "--environment"),
        ],
    )
    def test_the_likeliest_name_wins_whatever_the_order(self, options: list[str], flag: str, tmp_path: Path) -> None:
        for i, order in enumerate((options, options[::-1])):
            lines = "\n".join(f"    parser.add_argument('{option}')" for option in order)
            text = CLI.format(imports="").replace('    parser.add_argument("--env")', lines)
            assert flag in find(tmp_path / str(i), {"train.py": text}).command

    def test_what_init_is_told_and_rlops_has_to_say_is_noted(self, tmp_path: Path) -> None:
        text = CLI.format(
            imports="import wandb\ndef f():\n    wandb.init(dir='x', mode='online', project='p', id=None)"
        )
        assert [note.partition(": ")[2][:20] for note in find(tmp_path, {"train.py": text}).notes] == [
            "wandb.init(dir=...) ",
            "wandb.init(mode=...)",
        ]
        assert find(tmp_path / "b", {"train.py": text.replace("'x'", "None").replace("'online'", "None")}).notes == ()

    def test_a_script_that_does_not_log_to_wandb_is_said_to(self, tmp_path: Path) -> None:
        (note,) = find(tmp_path, {"train.py": CLI.format(imports="")}).notes
        assert note.startswith("NOT FOUND: train.py does not log to Weights & Biases")

    @pytest.mark.parametrize(
        ("mode", "given"),
        [("'online'", True), ("'disabled'", True), ("'offline'", False), ("None", False), ("os.environ['X']", True)],
    )
    def test_an_option_for_the_mode_goes_before_the_variable(self, mode: str, given: bool, tmp_path: Path) -> None:
        text = CLI.format(imports="import wandb, os\ndef f(a):\n    wandb.init(mode=a.wandb_mode)")
        option = f'    parser.add_argument("--env")\n    parser.add_argument("--wandb_mode", default={mode})'
        command = find(tmp_path, {"train.py": text.replace('    parser.add_argument("--env")', option)}).command
        assert (command[-2:] == ("--wandb_mode", "offline")) == given

    @pytest.mark.parametrize(
        ("default", "condition", "last"),
        [
            ("'csv'", "a.logger == 'wandb'", "wandb"),
            ("'wandb'", "a.logger == 'wandb'", "{seed}"),
            ("'csv'", "a.logger == 'csv'", "{seed}"),
            ("None", "a.logger == 'wb' and a.seed", "wb"),
            ("None", "a['logger'] == 'wandb'", "wandb"),
            ("None", "a.logger == 'wandb' or a.seed", "{seed}"),
            ("None", "a.logger != 'wandb'", "{seed}"),
            ("'csv', choices=['csv', 'wandb']", "a.x", "wandb"),
            ("'wandb', choices=['csv', 'wandb']", "a.x", "{seed}"),
        ],
    )
    def test_loggers_that_are_chosen(self, default: str, condition: str, last: str, tmp_path: Path) -> None:
        text = CLI.format(imports=f"import wandb\ndef f(a):\n    if {condition}:\n        wandb.init()")
        option = f"    parser.add_argument('--logger', default={default})\n    parser.parse"
        assert find(tmp_path, {"train.py": text.replace("    parser.parse", option)}).command[-1] == last

    def test_a_switch_of_a_script_that_knows_no_wandb_is_for_something_else(self, tmp_path: Path) -> None:
        option = "    parser.add_argument('--track', action='store_true')\n    parser.parse"
        text = CLI.format(imports="").replace("    parser.parse", option)
        assert "--track" not in find(tmp_path, {"train.py": text}).command

    def test_conditions_of_other_arguments_are_no_guards(self, tmp_path: Path) -> None:
        call = "wandb.init(id=1 if a.resume else None, mode='online' if a.log else 'disabled')"
        text = CLI.format(imports=f"import wandb\ndef f(a):\n    {call}")
        options = "".join(f"    parser.add_argument('--{name}', action='store_true')\n" for name in ("resume", "log"))
        command = find(tmp_path, {"train.py": text.replace("    parser.parse", f"{options}    parser.parse")}).command
        assert command[-1] == "--log"
        assert "--resume" not in command

    def test_a_guard_that_asks_who_runs_is_no_option(self, tmp_path: Path) -> None:
        text = CLI.format(imports="import wandb").replace(
            "    print", "    parser.add_argument('--name')\n    wandb.init()\n    print"
        )
        assert find(tmp_path, {"train.py": text}).command[2:] == ("--env", "{env_id}", "--seed", "{seed}")


class TestTyped:
    """Libraries that are not installed here: the rules are those of their documentation."""

    FIELDS = 'seed: int = 1\n    env_id: str = "A-v1"\n    total_timesteps: int = 50_000\n    track: bool = False\n'

    @pytest.mark.parametrize(
        ("imports", "call", "flags", "on"),
        [
            ("import tyro", "tyro.cli(Args)", ("--env-id", "--seed", "--total-timesteps"), ("--track",)),
            ("from tyro import cli", "cli(Args)", ("--env-id", "--seed", "--total-timesteps"), ("--track",)),
            ("import tyro as t", "t.cli(main)", ("--env-id", "--seed", "--total-timesteps"), ("--track",)),
            ("import pyrallis", "pyrallis.parse(config_class=Args)", ("--env_id", "--seed", "--total_timesteps"),
             ("--track", "true")),
            ("import simple_parsing", "simple_parsing.parse(Args)", ("--env_id", "--seed", "--total_timesteps"),
             ("--track",)),
            ("from transformers import HfArgumentParser", "HfArgumentParser((Other, Args)).x()",
             ("--env_id", "--seed", "--total_timesteps"), ("--track",)),
            ("import fire", "fire.Fire(main)", ("--env_id", "--seed", "--total_timesteps"), ("--track",)),
            ("from jsonargparse import CLI", "CLI(main)", ("--env_id", "--seed", "--total_timesteps"),
             ("--track", "true")),
            ("import typer", "typer.run(main)", ("--env-id", "--seed", "--total-timesteps"), ("--track",)),
        ],
    )  # fmt: skip
    def test_flags(self, imports: str, call: str, flags: tuple[str, ...], on: tuple[str, ...], tmp_path: Path) -> None:
        parameters = self.FIELDS.strip().replace("\n    ", ", ")
        text = f"import torch, wandb\n{imports}\nclass Args:\n    {self.FIELDS}\nclass Other: ...\n"
        text += f"def main({parameters}):\n    if track:\n        wandb.init()\n"
        text += f"class Thing:\n    def main(self): ...\nif __name__ == '__main__':\n    {call}\n"
        env, seed, steps = flags
        assert find(tmp_path, {"train.py": text}).command == (
            "{python}", "train.py", env, "{env_id}", seed, "{seed}", steps, "{budget}", *on,
        )  # fmt: skip

    @pytest.mark.parametrize("decorator", ["pyrallis.wrap()", "draccus.wrap()", "draccus.wrap"])
    def test_decorators(self, decorator: str, tmp_path: Path) -> None:
        text = f"import torch, {decorator.partition('.')[0]}\nclass Config:\n    {self.FIELDS}\n"
        text += f"class A:\n    def main(self): ...\n@{decorator}\ndef main(config: Config): ...\n"
        text += "if __name__ == '__main__':\n    main()\n"
        assert find(tmp_path, {"train.py": text}).command[2:4] == ("--env_id", "{env_id}")

    @pytest.mark.parametrize(
        ("parameters", "command"),
        [
            ("env_id: str, seed: int = 1", ("--seed", "{seed}", "{env_id}")),
            ("env: str = typer.Option(..., '-e', '--task-id'), seed: int = 1",
             ("--task-id", "{env_id}", "--seed", "{seed}")),
            ("env: Annotated[str, typer.Option('--game')] = 'A', seed: int = typer.Argument(1)",
             ("--game", "{env_id}", "{seed}")),
            ("env: str = 'A', seed: int = 1, x: int = typer.Option(1), y: int = typer.Option(...), z: int = None",
             ("--env", "{env_id}", "--seed", "{seed}", "--y", "CHANGE-ME")),
            ("env: str = typer.Option('A'), seed: int = 1, track: bool = typer.Option(False, '--log/--no-log')",
             ("--env", "{env_id}", "--seed", "{seed}", "--log")),
        ],
    )  # fmt: skip
    @pytest.mark.parametrize("commands", [1, 2])
    def test_typer(self, parameters: str, command: tuple[str, ...], commands: int, tmp_path: Path) -> None:
        """One command needs no name, two do."""
        text = "import torch, typer, wandb\nfrom typing import Annotated\napp = typer.Typer()\n"
        text += "@app.command()\ndef look_at(path: str): ...\n" * (commands - 1)
        text += f"@app.command()\ndef fit_it({parameters}):\n    if track:\n        wandb.init()\n"
        text += "if __name__ == '__main__':\n    app()\n"
        name = ("fit-it",) * (commands - 1)
        assert find(tmp_path, {"train.py": text}).command[2:] == (*name, *command)

    def test_nested_and_inherited_fields(self, tmp_path: Path) -> None:
        text = (
            "import torch, tyro\nclass Base:\n    seed: int = 1\n    total_timesteps: int = 7\n"
            "class Env:\n    name: str = 'A-v1'\n    count: int = 2\n"
            "class Args(Base, Generic[T], Missing):\n    env: Env = field(default_factory=Env)\n"
            "    total_timesteps: int = 70_000\n    KIND: ClassVar[str] = ''\n    steps: int = field(init=False)\n"
            "if __name__ == '__main__':\n    tyro.cli(Args)\n"
        )
        trainer = find(tmp_path, {"train.py": text})
        assert trainer.command[2:] == (
            "--env.name", "{env_id}", "--seed", "{seed}", "--total-timesteps", "{budget}",
        )  # fmt: skip
        assert (trainer.environments, trainer.budget) == (("A-v1",), 70_000)

    def test_classes_that_go_in_circles(self, tmp_path: Path) -> None:
        text = "import torch, tyro\nclass A(B):\n    b: B = 1\n    seed: int = 1\n"
        text += "class B(A):\n    a: A = 1\n    env: str = 'A'\n"
        trainer = find(tmp_path, {"train.py": text + "if __name__ == '__main__':\n    tyro.cli(A)\n"})
        assert trainer.environments == ("A",)

    def test_parameters_that_must_be_given(self, tmp_path: Path) -> None:
        text = "import torch, tyro, wandb\ndef main(seed: int, env: str, track: bool, *, wandb: str): ...\n"
        trainer = find(tmp_path, {"train.py": f"{text}if __name__ == '__main__':\n    tyro.cli(main)\n"})
        assert trainer.command[-3:] == ("--track", "--wandb", "CHANGE-ME")

    def test_fields_that_must_be_given(self, tmp_path: Path) -> None:
        fields = "seed: int\n    env: str\n    track: bool\n    wandb: str\n"
        text = f"import torch, tyro, wandb\nclass Args:\n    {fields}if __name__ == '__main__':\n    tyro.cli(Args)\n"
        assert find(tmp_path, {"train.py": text}).command[-3:] == ("--track", "--wandb", "CHANGE-ME")

    def test_classes_without_end(self, tmp_path: Path) -> None:
        """A hundred fields of a class with a hundred fields of a class ...; thirty levels of two bases."""
        lines = ["import torch, tyro", "class Args(A0):", "    seed: int = 1", "    env: str = 'A'", "    n: B0 = 1"]
        for i in range(30):
            lines += [f"class A{i}(A{i + 1}, C{i + 1}): ...", f"class C{i}(A{i + 1}, C{i + 1}): ..."]
            lines += [f"class B{i}:", *(f"    x{j}: B{i + 1} = 1" for j in range(100))]
        lines += ["if __name__ == '__main__':", "    tyro.cli(Args)", ""]
        assert find(tmp_path, {"train.py": "\n".join(lines)}).environments == ("A",)


class TestAbsl:
    def test_flags_of_all_files_count(self, tmp_path: Path) -> None:
        script = (
            "import jax, wandb\nfrom absl import app\nimport settings\nif __name__ == '__main__':\n    app.run(main)\n"
        )
        flags = (
            "from absl import flags\nflags.DEFINE_string('env_name', 'A-v1', '')\nflags.DEFINE_integer('seed', 1, '')\n"
            "flags.DEFINE_bool('wandb', False, '')\nflags.DEFINE_enum('algo', None, ['a', 'b'], '', required=True)\n"
            "flags.DEFINE_string('wandb_mode', default='online', help='')\n"
        )
        assert find(tmp_path, {"train.py": script, "settings.py": flags}).command[2:] == (
            "--env_name", "{env_id}", "--seed", "{seed}", "--wandb", "--algo", "a", "--wandb_mode", "offline",
        )  # fmt: skip


class TestHydra:
    def test_scalars(self) -> None:
        text = (
            "# a comment\na: 1\nb: 1_000\nc: 1e6\nd: -2.5\ne: true\nf: null\ng: 'quo#ted'  # why\nh: \"x\"\n"
            "deep:\n  er: word\n  est:\n    here: 3\n\n  back: 4\nlist: [1, 2]\nblock: |\n  text: 1\n\n    more: 2\n"
            "empty:\nitems:\n  - item: 1\n    of: 2\nsame: ${a}\nopen: ???\nanchor: &x 1\nnot a key\nurl: http://x\n"
            "'quoted key': 5\n"
        )
        assert {name: value for _, name, value in scalars(text)} == {
            "a": 1, "b": 1000, "c": 1e6, "d": -2.5, "e": True, "f": None, "g": "quo#ted", "h": "x", "deep.er": "word",
            "deep.est.here": 3, "deep.back": 4, "same": UNKNOWN, "open": "???", "url": "http://x", "quoted key": 5,
        }  # fmt: skip
        assert [line for line, name, _ in scalars(text) if name == "deep.back"] == [15]

    @pytest.mark.parametrize(
        "main",
        [
            "config_path='conf', config_name='train'",
            "version_base=None, config_path='conf', config_name='train.yaml'",
            "'conf', 'train'",
            "config_path='conf/train.yaml'",
        ],
    )
    def test_configurations_and_their_groups(self, main: str, tmp_path: Path) -> None:
        text = f"import hydra, torch\n@hydra.main({main})\ndef main(cfg): ...\nif __name__ == '__main__':\n    main()\n"
        files = {
            "rl/train.py": text,
            "rl/conf/train.yaml": "defaults:\n  - env: pole\n  - override hydra/launcher: x\n  - _self_\nseed: 1\n",
            "rl/conf/env/pole.yaml": "name: CartPole-v1\n",
        }
        trainer = find(tmp_path, files)
        assert trainer.command == ("{python}", "rl/train.py", "env.name={env_id}", "seed={seed}")
        assert (trainer.environments, trainer.code) == (("CartPole-v1",), ("rl/train.py", "rl/conf"))
        files["rl/conf/env/pole.yaml"] = "# @package _global_\nenv_id: Acrobot-v1\n"
        assert find(tmp_path, files).command[2] == "env_id={env_id}"

    def test_structured_configurations(self, tmp_path: Path) -> None:
        text = (
            "import hydra, torch\nfrom hydra.core.config_store import ConfigStore\n"
            "class Env:\n    size: str = 'A-v1'\nclass Config:\n    env: Env = Env\n    seed: int = 1\n"
            "    env_id: str = 'B-v1'\n"
            "cs = ConfigStore.instance()\ncs.store(name='other', node=Env)\ncs.store(name='config', node=Config)\n"
            "@hydra.main(config_name='config', version_base=None)\ndef main(cfg): ...\n"
            "if __name__ == '__main__':\n    main()\n"
        )
        assert find(tmp_path, {"train.py": text}).command[2:] == ("env_id={env_id}", "seed={seed}")

    def test_a_configuration_beside_the_scripts_folder(self, tmp_path: Path) -> None:
        text = "import hydra, torch\n@hydra.main(config_path='../conf', config_name='c')\ndef main(cfg): ...\n"
        yaml = "defaults:\n  - env@here: pole\nenv: A\nseed: 1\n"
        files = {"rl/train.py": f"{text}if __name__ == '__main__':\n    main()\n", "conf/c.yaml": yaml}
        trainer = find(tmp_path, {**files, "conf/env@here/pole.yaml": "env_id: B\n"})
        assert (trainer.code, trainer.environments) == (("rl/train.py", "conf"), ("A",))

    @pytest.mark.parametrize("path", ["../../outside", "/etc", "nowhere"])
    def test_a_configuration_that_lies_elsewhere_is_not_read(self, path: str, tmp_path: Path) -> None:
        text = f"import hydra, torch\n@hydra.main(config_path='{path}', config_name='c')\ndef main(cfg): ...\n"
        (tmp_path / "outside").mkdir()
        (tmp_path / "outside" / "c.yaml").write_text("env: A\nseed: 1\n")
        build(tmp_path / "repository", {"rl/train.py": text + "if __name__ == '__main__':\n    main()\n"})
        assert find_trainers(tmp_path / "repository").trainers == ()


class TestSearch:
    def test_trainers_before_what_only_looks_like_one(self, tmp_path: Path) -> None:
        text = CLI.format(imports="import wandb")
        names = ["a_eval.py", "plot_runs.py", "sac.py", "tools/enjoy.py", "train.py", "zoo/run.py"]
        for name in names:
            find(tmp_path, {name: text})
        search = find_trainers(tmp_path)
        assert [trainer.script for trainer in search.trainers[:3]] == ["train.py", "zoo/run.py", "sac.py"]
        assert search.others == ()
        assert search.looked_at == len(names)

    def test_equals_are_all_named(self, tmp_path: Path) -> None:
        for name in ("ppo.py", "dqn.py", "deep/sac.py"):
            find(tmp_path, {name: CLI.format(imports="")})
        search = find_trainers(tmp_path)
        assert [trainer.script for trainer in search.trainers] == ["dqn.py", "ppo.py", "deep/sac.py"]
        assert [trainer.script for trainer in search.others] == ["ppo.py", "deep/sac.py"]

    def test_what_is_lacking_is_said(self, tmp_path: Path) -> None:
        for name, gone in (("no_env.py", "--env"), ("no_seed.py", "--seed")):
            (tmp_path / name).write_text(CLI.format(imports="").replace(f'"{gone}"', '"--other"'))
        (tmp_path / "nothing.py").write_text("import torch\nif __name__ == '__main__':\n    pass\n")
        (tmp_path / "tool.py").write_text("import argparse\nif __name__ == '__main__':\n    pass\n")
        (tmp_path / "library.py").write_text(CLI.format(imports="").partition("if __name__")[0])
        search = find_trainers(tmp_path)
        assert search.trainers == ()
        assert search.lacking == (
            ("no_env.py", "has --seed, but no option for the environment"),
            ("no_seed.py", "has --env, but no option for the seed"),
            ("nothing.py", "has no option for the environment and none for the seed"),
        )

    @pytest.mark.parametrize("imports", ["import gym", "import gymnasium", "import torch", "import wandb"])
    def test_whatever_plays_learns_or_logs_is_near(self, imports: str, tmp_path: Path) -> None:
        text = CLI.format(imports=imports).replace("import torch\n", "", 1).replace('"--env"', '"--other"')
        (tmp_path / "train.py").write_text(text)
        assert [script for script, _ in find_trainers(tmp_path).lacking] == ["train.py"]
        (tmp_path / "train.py").write_text(text.replace('"--other"', '"--env"'))
        assert [trainer.script for trainer in find_trainers(tmp_path).trainers] == ["train.py"]

    def test_a_script_of_the_standard_library_may_train_if_it_says_for_how_long(self, tmp_path: Path) -> None:
        text = CLI.format(imports="").replace("import torch\n", "")
        steps = "    parser.add_argument('--total-steps')\n    parser.parse"
        (tmp_path / "tool.py").write_text(text.replace("    parser.parse", steps))
        assert len(find_trainers(tmp_path).trainers) == 1

    def test_what_does_none_of_it_is_not(self, tmp_path: Path) -> None:
        text = CLI.format(imports="").replace("import torch\n", "")
        (tmp_path / "tool.py").write_text(text)
        search = find_trainers(tmp_path)
        assert (search.trainers, search.lacking) == ((), ())

    def test_a_library_is_not_followed_to_its_end(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(imports, "MOST_FOLLOWED", 3)
        files = {f"m{i}.py": f"import m{i + 1}\n" for i in range(9)}
        trainer = find(tmp_path, {"train.py": CLI.format(imports="import m0"), **files})
        assert trainer.code == ("train.py", "m0.py", "m1.py")

    def test_tests_and_tools_are_passed_over(self, tmp_path: Path) -> None:
        text = CLI.format(imports="")
        names = ["tests/train.py", "test_train.py", "train_test.py", "docs/train.py", "setup.py", "conftest.py"]
        for name in (*names, ".venv/lib/train.py", ".rlops/train.py", "env/train.py", "__pycache__/train.py"):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
        (tmp_path / "env" / "pyvenv.cfg").touch()
        assert find_trainers(tmp_path).looked_at == 0

    def test_what_git_ignores_is_passed_over(self, tmp_path: Path) -> None:
        build(tmp_path, {"train.py": CLI.format(imports=""), "old/train.py": CLI.format(imports="")})
        assert [trainer.script for trainer in find_trainers(tmp_path).trainers] == ["train.py", "old/train.py"]
        (tmp_path / ".gitignore").write_text("old/\n")
        assert [trainer.script for trainer in find_trainers(tmp_path).trainers] == ["train.py"]
        assert [trainer.script for trainer in find_trainers(tmp_path / "old").trainers] == ["train.py"]

    def test_old_scripts_do_not_ask_who_they_are(self, tmp_path: Path) -> None:
        text = (
            "import argparse, torch\np = argparse.ArgumentParser()\np.add_argument('--env')\np.add_argument('--seed')\n"
        )
        assert find(tmp_path, {"train.py": f"{text}args = p.parse_args()\n"}).command[1] == "train.py"
        (tmp_path / "train.py").write_text(text)
        assert find_trainers(tmp_path).trainers == ()

    def test_options_of_an_imported_files_own_program_do_not_count(self, tmp_path: Path) -> None:
        helper = "import argparse\nif __name__ == '__main__':\n    p = argparse.ArgumentParser()\n"
        helper += "    p.add_argument('--env-id')\n"
        assert "--env-id" not in find(tmp_path, {"train.py": CLI.format(imports="import h"), "h.py": helper}).command

    def test_seeds_may_be_a_list_or_a_number(self, tmp_path: Path) -> None:
        text = CLI.format(imports="")
        listed = find(tmp_path, {"train.py": text.replace('"--seed"', '"--seeds"')})
        assert listed.command[-2:] == ("--seeds", "{seeds}")
        assert listed.parts[-1].why.startswith("GUESS")
        (tmp_path / "train.py").write_text(text.replace('"--seed"', '"--seeds", type=int, default=5'))
        assert find_trainers(tmp_path).lacking == (("train.py", "has --env, but no option for the seed"),)


class TestOneScript:
    def test_a_named_one(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        build(tmp_path, STYLES["argparse"])
        assert trainer_at(tmp_path, "enjoy.py").script == "enjoy.py"
        assert trainer_at(tmp_path, str(tmp_path / "enjoy.py")).script == "enjoy.py"
        assert trainer_at(tmp_path, "./enjoy.py").script == "enjoy.py"

    @pytest.mark.parametrize(
        ("script", "said"),
        [
            ("ppo2.py", "ppo2.py is no Python file that can be read below {root}; did you mean ppo.py?"),
            ("requirements.txt", "requirements.txt is no Python file"),
            ("../other.py", "is no Python file that can be read below"),
            ("setup.py", "setup.py has no option for the environment and none for the seed; say how it is started"),
        ],
    )
    def test_one_that_will_not_do(self, script: str, said: str, tmp_path: Path) -> None:
        build(tmp_path, STYLES["argparse"])
        with pytest.raises(UsageError) as error:
            trainer_at(tmp_path, script)
        assert said.format(root=tmp_path) in str(error.value)


class TestOneCommand:
    @pytest.mark.parametrize(
        "command",
        [
            ["python", "ppo.py", "{env_id}", "--seed", "{seed}"],
            ["python3", "-u", "ppo.py", "-s", "{seed}", "--gym-id={env_id}"],
            ["uv", "run", "python", "ppo.py", "{env_id}", "{seed}"],
            ["python", "-m", "ppo", "--env", "{env_id}", "--seed", "{seed}"],
        ],
        ids=" ".join,
    )
    def test_the_script_in_it_is_read(self, command: list[str], tmp_path: Path) -> None:
        build(tmp_path, STYLES["argparse"])
        trainer = trainer_of(tmp_path, command)
        first = "uv" if command[0] == "uv" else "{python}"
        assert trainer.command == (first, *command[1:])
        assert (trainer.code, trainer.environments, trainer.budget) == (
            ("ppo.py", "requirements.txt"), ("Hopper-v4",), 250_000,
        )  # fmt: skip
        assert trainer.metric is not None

    def test_a_script_without_options(self, tmp_path: Path) -> None:
        (tmp_path / "plain.py").write_text("import torch, sys\nenv, seed = sys.argv[1:]\n")
        trainer = trainer_of(tmp_path, ["python", "plain.py", "{env_id}", "{seed}"])
        assert (trainer.code, trainer.packages) == (("plain.py",), ("torch",))
        assert trainer.environments_why.startswith("NOT FOUND: there is no option for it")
        assert trainer.budget_why.startswith("NOT FOUND: there is no option for it")

    def test_a_command_of_which_nothing_is_known(self, tmp_path: Path) -> None:
        trainer = trainer_of(tmp_path, ["make", "train", "ENV={env_id}", "SEED={seed}"])
        assert (trainer.code, trainer.packages, trainer.metric) == ((".",), (), None)
        assert trainer.command[0] == "make"
        assert "NOT FOUND" in draft(trainer)

    @pytest.mark.parametrize(
        ("command", "module"),
        [
            ("python -m a.b --x", "a.b"),
            ("{python} -u -m a.b", "a.b"),
            ("uv run python3.12 -I -m a", "a"),
            ("/usr/bin/python -m a", "a"),
            ("python train.py -m a", None),
            ("make -m a", None),
            ("python -m", None),
            ("python", None),
        ],
    )
    def test_modules(self, command: str, module: str | None) -> None:
        assert python_module(command.split()) == module

    def test_lines_are_grouped_option_by_option(self, tmp_path: Path) -> None:
        command = "python -m x.y go --env {env_id} --track --seed {seed} -v 3 4 last"
        parts = [list(part.arguments) for part in trainer_of(tmp_path, command.split()).parts]
        assert parts == [
            ["{python}", "-m", "x.y", "go"], ["--env", "{env_id}"], ["--track"], ["--seed", "{seed}"], ["-v", "3"],
            ["4"], ["last"],
        ]  # fmt: skip


class TestHostile:
    def test_files_that_are_no_files(self, tmp_path: Path) -> None:
        good = CLI.format(imports="import broken, binary, huge, loop, pipe, nested, deep")
        (tmp_path / "train.py").write_text(good)
        (tmp_path / "broken.py").write_text("import argparse\nif __name__ == '__main__':\n    def (:\n")
        (tmp_path / "binary.py").write_bytes(b"argparse __main__ \x00\xff\xfe" * 100)
        (tmp_path / "latin.py").write_bytes(b"# argparse __main__ \xe9\n")
        (tmp_path / "huge.py").write_text(good + "#" * 5_000_000)
        (tmp_path / "huge_just.py").write_text(good + "#" * (MOST_BYTES + 1 - len(good)))
        (tmp_path / "loop.py").symlink_to("loop.py")
        (tmp_path / "circle").symlink_to(".")
        (tmp_path / "link.py").symlink_to("train.py")
        (tmp_path / "gone.py").symlink_to("nowhere.py")
        os.mkfifo(tmp_path / "pipe.py")
        (tmp_path / "folder.py").mkdir()
        (tmp_path / "nested.py").write_text("# argparse __main__\n" + "(" * 5000)
        (tmp_path / "deep.py").write_text(
            "x = " + "+".join(["1"] * 50_000) + "\nif __name__ == '__main__': pass # argparse\n"
        )
        (tmp_path / "minus.py").write_text("# argparse __main__\nx = " + "-" * 50_000 + "1\n")
        (tmp_path / "brace{x}.py").write_text(good)
        (tmp_path / "new\nline.py").write_text(good)
        (tmp_path / os.fsdecode(b"not-utf8-\xff.py")).write_text(good)
        for git in (False, True):
            if git:
                subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
            search = find_trainers(tmp_path)
            assert [trainer.script for trainer in search.trainers] == ["train.py"]

    def test_a_folder_that_cannot_be_read(self, tmp_path: Path) -> None:
        assert find_trainers(tmp_path / "nowhere").trainers == ()

    def test_names_that_a_comment_or_a_terminal_would_obey(self, tmp_path: Path) -> None:
        text = CLI.format(imports="").replace('"--env"', '"--env", choices=["A\\n[x]\\nb = 1", "\\x1b[31m\\x7f"]')
        (tmp_path / "train.py").write_text(text)
        content = draft(find_trainers(tmp_path).trainers[0])
        assert tomllib.loads(content)["environments"] == ["A\n[x]\nb = 1"]
        assert "\x1b" not in content
        assert "\x7f" not in content


words = st.text(st.characters(codec="utf-8"), min_size=1)
trainers = st.builds(
    Trainer,
    script=words,
    parts=st.lists(st.builds(Part, st.lists(words, min_size=1).map(tuple), words), min_size=1).map(tuple),
    code=st.lists(words, min_size=1).map(tuple),
    packages=st.lists(words).map(tuple),
    environments=st.lists(words, min_size=1).map(tuple),
    environments_why=words,
    budget=st.integers(100, 10**15),
    budget_why=words,
    metric=st.none() | st.builds(Metric, words, words, words, words, st.booleans(), st.booleans()),
    variables=st.just(()) | words.map(lambda value: (("PYTHONPATH", value),)),
    notes=st.lists(words).map(tuple),
)


@given(trainers)
def test_the_draft_says_what_it_was_given_whatever_stands_in_it(trainer: Trainer) -> None:
    content = tomllib.loads(draft(trainer))
    assert tuple(content["command"]) == trainer.command
    assert (tuple(content["code"]), tuple(content["packages"])) == (trainer.code, trainer.packages)
    assert (tuple(content["environments"]), content["budget"]) == (trainer.environments, trainer.budget)
    assert content.get("variables", {}) == dict(trainer.variables)
    if trainer.metric:
        assert (content["metric"]["name"], content["metric"]["step"]) == (trainer.metric.name, trainer.metric.step)
    assert content.keys() - {"variables"} == {
        "description", "command", "code", "packages", "environments", "budget", "seeds", "metric", "resources", "wandb",
    }  # fmt: skip


numbers = st.integers(0, 1000).map(str) | st.floats(0, 1e6).map(repr)
expressions = st.recursive(
    numbers,
    lambda inner: (
        st.builds("({} {} {})".format, inner, st.sampled_from("+*"), inner)
        | inner.map("-({})".format)
        | inner.map("int({})".format)
        | inner.map("float({})".format)
    ),
    max_leaves=6,
)


@given(expressions)
def test_constants_are_computed_as_python_does(expression: str) -> None:
    source = Source(PurePosixPath("x.py"), ast.parse(f"A = {expression}\nB = A\n"))
    found = source.value(source.constants["B"])
    expected = eval(expression)  # noqa: S307  (made of numbers, two signs and two names)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    "expression",
    [
        "f()",
        "x",
        "1 / 0",
        "9 ** 9 ** 9",
        "2 ** 10_000",
        "[1, x]",
        "lambda: 1",
        "'a' * 9",
        "int('x')",
        "int(1e999)",
        "-'a'",
        "1 + 'a'",
        "'a' + 'b'",
    ],
)
def test_what_only_running_would_tell_is_unknown(expression: str) -> None:
    tree = ast.parse(f"A = B\nB = A\nC = {expression}\n")
    source = Source(PurePosixPath("x.py"), tree)
    assert source.value(source.constants["C"]) is UNKNOWN
    assert source.value(source.constants["A"]) is UNKNOWN


@pytest.mark.parametrize(
    ("value", "steps"),
    [(5, 5), (1e6, 10**6), ("1e6", 10**6), ("10_000", 10_000), (True, 0), (None, 0), (-1, 0), ("many", 0), ("nan", 0),
     (UNKNOWN, 0)],
)  # fmt: skip
def test_defaults_as_steps(value: object, steps: int) -> None:
    assert as_steps(value) == steps


def test_no_file_is_read_twice(tmp_path: Path) -> None:
    build(tmp_path, STYLES["package"])
    sources = Sources(tmp_path)
    path = PurePosixPath("src/agents/train.py")
    assert sources.source(path) is sources.source(path)
    shutil.rmtree(tmp_path / "src")
    assert sources.source(path) is not None
