"""The search for the training command: the code, packages, metric and numbers it reads."""

from pathlib import Path

import pytest

from rlops.plan.discover.logged import Metric
from tests.plan.training_scripts import CLI, LOGS, find


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
