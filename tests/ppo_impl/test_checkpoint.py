import json
import zipfile
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ppo_impl.checkpoint import FORMAT, NAME, Checkpoint, find, load, save
from ppo_impl.config import Config, ConfigError
from ppo_impl.environments import Synchronous, vector
from ppo_impl.ppo import Iteration, Trainer, train

SMALL = Config(seeds=(4, 2), num_envs=3, num_steps=12, num_minibatches=2, total_timesteps=36 * 9)


def checkpoint_in(folder: Path, **settings: Any) -> Checkpoint:
    config = replace(SMALL, checkpoint_dir=str(folder), **settings)
    return Checkpoint(config, {4: "abc", 2: "x-1"}, Trainer(config).state())


# The file


@pytest.mark.parametrize("settings", [{}, {"target_kl": 0.02, "norm_obs": True, "learning_rate": 1 / 3}])
def test_what_is_saved_is_loaded(settings: dict[str, Any], tmp_path: Path) -> None:
    saved = checkpoint_in(tmp_path / "not" / "there yet", **settings)
    save(saved)
    loaded = load(tmp_path / "not" / "there yet" / NAME)
    assert (loaded.config, loaded.run_ids) == (saved.config, saved.run_ids)
    assert loaded.state.keys() == saved.state.keys()
    for name, array in saved.state.items():
        assert loaded.state[name].dtype == array.dtype
        np.testing.assert_array_equal(loaded.state[name], array)
    assert [path.name for path in (tmp_path / "not" / "there yet").iterdir()] == [NAME]


def test_the_file_has_no_pickle_in_it(tmp_path: Path) -> None:
    """Nothing of a stranger's checkpoint is executed."""
    save(checkpoint_in(tmp_path, env_id="probes:Reach-v0"))
    with np.load(tmp_path / NAME, allow_pickle=False) as file:
        assert all(not file[name].dtype.hasobject for name in file.files)


def test_one_with_a_pickle_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / NAME, about=np.array([{}], dtype=object))
    with pytest.raises(ConfigError, match="is not a checkpoint of ppo_impl"):
        load(tmp_path / NAME)


def test_how_far_a_training_is_and_whom_it_lost_is_told(tmp_path: Path) -> None:
    checkpoint = checkpoint_in(tmp_path)
    assert (checkpoint.iteration, checkpoint.done, checkpoint.lost) == (0, False, [])
    state = {**checkpoint.state, "optimizer.parameters": checkpoint.state["optimizer.parameters"].copy()}
    state["optimizer.parameters"][1, 7] = np.nan
    for iteration, done in ((8, False), (9, True)):
        later = replace(checkpoint, state={**state, "iteration": np.array(iteration)})
        assert (later.iteration, later.done, later.lost) == (iteration, done, [2])


def about(**changed: Any) -> np.ndarray:
    return np.array(json.dumps({"format": FORMAT, "config": asdict(SMALL), "run_ids": {}, **changed}))


@pytest.mark.parametrize("kept", [0, 1, 100, 0.5, 0.999])
def test_a_torn_file_is_refused(kept: float, tmp_path: Path) -> None:
    save(checkpoint_in(tmp_path))
    whole = (tmp_path / NAME).read_bytes()
    (tmp_path / NAME).write_bytes(whole[: kept if isinstance(kept, int) else int(kept * len(whole))])
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / NAME)
    assert str(tmp_path / NAME) in str(caught.value)


def test_a_flipped_bit_is_noticed(tmp_path: Path) -> None:
    save(checkpoint_in(tmp_path))
    whole = bytearray((tmp_path / NAME).read_bytes())
    whole[len(whole) // 2] ^= 1
    (tmp_path / NAME).write_bytes(whole)
    with pytest.raises(ConfigError, match="is not a checkpoint of ppo_impl"):
        load(tmp_path / NAME)


def other_files(path: Path) -> dict[str, Any]:
    """Ways to write something else to a path."""

    def archive() -> None:
        with zipfile.ZipFile(path, "w") as file:
            file.writestr("readme.txt", "hello")

    def one_array() -> None:
        with path.open("wb") as file:
            np.save(file, np.zeros(3))

    def arrays(**named: np.ndarray) -> None:
        with path.open("wb") as file:
            np.savez(file, **named)

    return {
        "text": lambda: path.write_text("seed,return\n1,2\n"),
        "directory": path.mkdir,
        "archive": archive,
        "one array": one_array,
        "arrays": lambda: arrays(weights=np.zeros(3)),
        "no json": lambda: arrays(about=np.array("{")),
        "no table": lambda: arrays(about=np.array("[1, 2]")),
        "no format": lambda: arrays(about=np.array("{}")),
        "newer format": lambda: arrays(about=about(format=FORMAT + 1)),
        "no config": lambda: arrays(about=about(config=None)),
        "no seeds": lambda: arrays(about=about(config={})),
        "odd setting": lambda: arrays(about=about(config={**asdict(SMALL), "num_envs": "many"})),
        "impossible setting": lambda: arrays(about=about(config={**asdict(SMALL), "num_envs": 0})),
        "no runs": lambda: arrays(about=about(run_ids=[])),
        "no state": lambda: arrays(about=about()),
    }


@pytest.mark.parametrize("kind", other_files(Path()))
def test_something_else_is_refused_by_its_path(kind: str, tmp_path: Path) -> None:
    other_files(tmp_path / NAME)[kind]()
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / NAME)
    assert str(tmp_path / NAME) in str(caught.value)


def test_settings_that_this_version_does_not_know_are_left_out(tmp_path: Path) -> None:
    """One that it has and the file has not gets its default."""
    settings = {**asdict(SMALL), "of_another_time": 3}
    del settings["anneal_clip"]
    np.savez(tmp_path / NAME, about=about(config=settings), **checkpoint_in(tmp_path).state)
    assert load(tmp_path / NAME).config == SMALL


@pytest.mark.parametrize("failing", ["numpy.savez", "os.fsync", "pathlib.Path.replace"])
def test_a_file_survives_if_the_next_cannot_be_written(
    failing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(checkpoint_in(tmp_path))
    before = (tmp_path / NAME).read_bytes()
    later = checkpoint_in(tmp_path, gamma=0.5)

    def full(*_: object, **__: object) -> None:
        raise OSError("no space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(failing, full)
        with pytest.raises(OSError, match="no space"):
            save(later)
    assert (tmp_path / NAME).read_bytes() == before
    save(later)
    assert load(tmp_path / NAME).config.gamma == 0.5


# Which training


def test_there_may_be_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(checkpoint_in(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert find(SMALL) is None  # though a file lies where we are
    assert find(replace(SMALL, checkpoint_dir=str(tmp_path / "elsewhere"))) is None


def test_another_training_is_refused_and_every_difference_named(tmp_path: Path) -> None:
    save(checkpoint_in(tmp_path))
    other = replace(
        SMALL, checkpoint_dir=str(tmp_path), env_id="Acrobot-v1", seeds=(2, 4), target_kl=0.1, norm_obs=False,
        total_timesteps=1_000, kernel=False,
    )  # fmt: skip
    with pytest.raises(ConfigError) as caught:
        find(other)
    told = str(caught.value)
    assert f"--checkpoint-dir {tmp_path}: holds another training" in told
    for difference in (
        "--env-id CartPole-v1 there, Acrobot-v1 now", "--seeds 4,2 there, 2,4 now", "--target-kl None there, 0.1 now",
        "--norm-obs None there, False now", "--total-timesteps 324 there, 1000 now", "--kernel True there, False now",
    ):  # fmt: skip
        assert difference in told
    assert told.count(" there, ") == 6


def test_where_it_is_kept_and_profiled_makes_no_other_training(tmp_path: Path) -> None:
    save(checkpoint_in(tmp_path / "before", profile="a.svg"))
    (tmp_path / "before").rename(tmp_path / "now")
    found = find(replace(SMALL, checkpoint_dir=str(tmp_path / "now"), profile="b.svg"))
    assert found is not None
    assert found.run_ids == {4: "abc", 2: "x-1"}


# Going on


def told(iteration: Iteration) -> dict[str, Any]:
    """All but how long it took."""
    return {name: value for name, value in vars(iteration).items() if name != "seconds"}


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"kernel": False, "anneal_clip": True, "target_kl": 0.001},
        {"env_id": "Pendulum-v1", "num_steps": 84, "total_timesteps": 3 * 84 * 9},
        {"env_id": "CartPole-v1", "norm_obs": True, "norm_reward": True},
        {"env_id": "probes:Reach-v0"},
        {"env_id": "probes:Several-v0"},
        {"env_id": "probes:Masked-v0"},
        {"env_id": "probes:Reticent-v0"},
        {"env_id": "probes:Endless-v0", "norm_obs": True},
    ],
    ids=lambda settings: str(settings.get("env_id", len(settings))),
)
@pytest.mark.parametrize("first", [1, 4])
def test_a_training_that_goes_on_from_a_file_is_bit_for_bit_the_one_in_one_go(
    settings: dict[str, Any], first: int, tmp_path: Path
) -> None:
    config = replace(SMALL, checkpoint_dir=str(tmp_path), **settings)
    whole, begun, resumed = Trainer(config), Trainer(config), Trainer(config)
    expected = [told(iteration) for iteration in train(whole)]
    for _ in range(first):
        begun.iterate()
    save(Checkpoint(config, {}, begun.state()))
    found = find(config)
    assert found is not None
    resumed.restore(found.state)
    np.testing.assert_equal([told(iteration) for iteration in train(resumed)], expected[first:])
    np.testing.assert_equal(resumed.state(), whole.state())


def test_a_training_goes_on_with_gymnasiums_environments_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(vector, "make_vector", Synchronous)
    settings = {"env_id": "CartPole-v1"}
    test_a_training_that_goes_on_from_a_file_is_bit_for_bit_the_one_in_one_go(settings, 4, tmp_path)


def test_a_lost_seed_stays_lost_and_the_other_goes_on(tmp_path: Path) -> None:
    config = replace(SMALL, checkpoint_dir=str(tmp_path))
    whole, resumed = Trainer(config), Trainer(config)
    whole.agent.flat_SP.detach()[0, :50] = np.nan
    whole.iterate()
    save(Checkpoint(config, {}, whole.state()))
    found = find(config)
    assert found is not None
    resumed.restore(found.state)
    for one, other in zip(train(whole), train(resumed), strict=True):
        np.testing.assert_equal(told(other), told(one))
        assert one.finite_S.tolist() == [False, True]
