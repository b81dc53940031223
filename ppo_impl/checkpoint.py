"""The state of a training in one file of plain numbers (numpy's .npz, no pickle): to go on from, and to evaluate."""

import json
import os
import zipfile
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ppo_impl.config import Config, ConfigError, flag

if TYPE_CHECKING:
    from ppo_impl.environments import Arrays  # gymnasium takes a while to import: --help does without

NAME = "checkpoint.npz"
FORMAT = 1


@dataclass(frozen=True)
class Checkpoint:
    """What one file holds."""

    config: Config
    run_ids: dict[int, str]  # seed -> id of its Weights & Biases run
    state: "Arrays"  # see `Trainer.state`

    @property
    def iteration(self) -> int:
        """Iterations done."""
        return int(self.state["iteration"])

    @property
    def done(self) -> bool:
        """Whether the training is over."""
        return self.iteration >= self.config.num_iterations

    @property
    def lost(self) -> list[int]:
        """Seeds whose parameters became NaN or infinite."""
        rows = zip(self.config.seeds, self.state["optimizer.parameters"], strict=True)
        return [seed for seed, parameters_P in rows if not np.isfinite(parameters_P).all()]


def save(checkpoint: Checkpoint) -> None:
    """Writes the file into the configuration's directory, whole or not at all."""
    folder = Path(checkpoint.config.checkpoint_dir)
    folder.mkdir(parents=True, exist_ok=True)
    about = {
        "format": FORMAT,
        "config": asdict(checkpoint.config),
        "run_ids": {str(seed): run_id for seed, run_id in checkpoint.run_ids.items()},
    }
    new = folder / f".{NAME}.new"
    with new.open("wb") as file:
        np.savez(file, about=np.array(json.dumps(about)), **checkpoint.state)  # type: ignore[arg-type]
        file.flush()
        os.fsync(file.fileno())
    new.replace(folder / NAME)


def load(path: Path) -> Checkpoint:
    """Reads a file.

    Raises:
        ConfigError: it is not there, not whole, or not of this format.
    """
    try:
        # Opened here, because numpy leaves a torn archive open.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            return _read({name: arrays[name] for name in arrays.files})
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such checkpoint; train with --checkpoint-dir to get one") from None
    # The last two: something else than an archive, than a table.
    except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile, TypeError, AttributeError) as error:
        raise ConfigError(f"{path} is not a checkpoint of ppo_impl: {error}") from error


def _read(state: "Arrays") -> Checkpoint:
    about = json.loads(str(state.pop("about")))
    if about["format"] != FORMAT:
        raise ConfigError(f"its format is {about['format']}; this version of ppo_impl reads format {FORMAT}")
    known = {one.name for one in fields(Config)}
    settings = {name: setting for name, setting in about["config"].items() if name in known}
    config = Config(**{**settings, "seeds": tuple(settings["seeds"])})
    run_ids = {int(seed): run_id for seed, run_id in about["run_ids"].items()}
    if not {"iteration", "optimizer.parameters"} <= state.keys():
        raise ConfigError("it has no state")
    return Checkpoint(config, run_ids, state)


def find(config: Config) -> Checkpoint | None:
    """The training to go on from: the checkpoint in the configuration's directory, if there is one.

    Raises:
        ConfigError: it cannot be read, or is of another training.
    """
    path = Path(config.checkpoint_dir) / NAME
    if not config.checkpoint_dir or not path.exists():
        return None
    found = load(path)
    other = [
        f"{flag(one.name)} {_shown(getattr(found.config, one.name))} there, {_shown(getattr(config, one.name))} now"
        for one in fields(Config)
        if (one.metadata["recorded"] or one.name == "seeds")
        and getattr(found.config, one.name) != getattr(config, one.name)
    ]
    if other:
        raise ConfigError(
            f"--checkpoint-dir {config.checkpoint_dir}: holds another training ({'; '.join(other)}); "
            "repeat its settings to go on with it, or name another directory"
        )
    return found


def _shown(setting: Any) -> str:
    return ",".join(map(str, setting)) if isinstance(setting, tuple) else str(setting)
