"""The search for the training command: the command line it finds can be started."""

import json
from pathlib import Path

import pytest

from rlops.plan.discover import find_trainers
from rlops.plan.discover.hydra import scalars
from rlops.plan.discover.source import UNKNOWN
from tests.plan.repositories import build
from tests.plan.training_scripts import ARGPARSE, CLI, CLICK, GROUP, TRACK, find, start


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
