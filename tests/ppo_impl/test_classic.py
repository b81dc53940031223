"""The oracle is gymnasium itself: every environment made and stepped alone."""

import io
from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
import pytest
from numpy.typing import NDArray

from ppo_impl.environments.classic import CLASSIC, Classic

SEEDS_SN = np.array([[3, 1, 4, 1], [5, 9, 2, 6]])
# A policy that reaches what random actions do not: CartPole's time limit, the goals of the two that swing.
SKILLED: dict[str, Callable[[NDArray[Any]], Any]] = {
    "CartPole-v1": lambda o: int(o[2] + o[3] > 0),
    "Acrobot-v1": lambda o: 2 * int(o[5] > 0),
    "MountainCar-v0": lambda o: 2 * int(o[1] > 0),
    "Pendulum-v1": lambda o: np.array([2.5 if o[2] > 0 else -2.5], dtype=np.float32),
}
# Physical states that a step may start from, whether or not a policy gets there.
LIMITS_X = {
    "CartPole-v1": [2.6, 5.0, 0.25, 5.0],
    "Acrobot-v1": [np.pi, np.pi, 4 * np.pi, 9 * np.pi],
    "MountainCar-v0": [1.2, 0.07],
    "Pendulum-v1": [30.0, 8.0],
}
STEPS = {"CartPole-v1": 1600, "Acrobot-v1": 1050, "MountainCar-v0": 850, "Pendulum-v1": 650}
ALL = pytest.mark.parametrize("env_id", CLASSIC)


def random_actions(env_id: str, steps: int, shape_SN: tuple[int, ...]) -> NDArray[Any]:
    random, space = np.random.default_rng(0), gymnasium.make(env_id).action_space
    if isinstance(space, gymnasium.spaces.Discrete):
        return random.integers(space.n, size=(steps, *shape_SN))
    return random.uniform(-2.5, 2.5, (steps, *shape_SN, 1)).astype(np.float32)  # some are out of bounds


def run(environments: Classic, actions_TSN: NDArray[Any]) -> list[NDArray[Any]]:
    """Observations, rewards, terminations and truncations of all the steps."""
    return [np.stack(parts) for parts in zip(*map(environments.step, actions_TSN), strict=True)]


def assert_same(one: list[NDArray[Any]], other: list[NDArray[Any]]) -> None:
    for left, right in zip(one, other, strict=True):
        assert left.dtype == right.dtype
        np.testing.assert_array_equal(left, right)


def alone(env_id: str, seed: int, actions_T: NDArray[Any], skilled: bool) -> tuple[NDArray[Any], list[list[Any]]]:
    """The first observation, and the actions, observations, rewards, terminations, truncations of one environment."""
    environment = gymnasium.make(env_id, disable_env_checker=True)
    first, _ = environment.reset(seed=seed)
    observation, steps = first, []
    for action in actions_T:
        if skilled:
            action = SKILLED[env_id](observation)
        # As a plain integer, like gymnasium's own action spaces give it.
        observation, reward, terminated, truncated, _ = environment.step(action if np.ndim(action) else int(action))
        if terminated or truncated:
            observation, _ = environment.reset()
        steps.append([action, observation, reward, terminated, truncated])
    return first, steps


@ALL
def test_the_trajectories_are_gymnasiums_bit_for_bit(env_id: str) -> None:
    random_TSN = random_actions(env_id, STEPS[env_id], SEEDS_SN.shape)
    places = list(np.ndindex(SEEDS_SN.shape))
    runs = [alone(env_id, int(SEEDS_SN[s, n]), random_TSN[:, s, n], skilled=n % 2 == 1) for s, n in places]
    environments = CLASSIC[env_id](SEEDS_SN)
    first_SNO = environments.reset()
    assert first_SNO.shape == (*SEEDS_SN.shape, environments.observation_size)
    np.testing.assert_array_equal(first_SNO, np.stack([first for first, _ in runs]).reshape(first_SNO.shape))
    actions_TSN, *expected = (
        np.stack([np.stack([step[part] for step in steps]) for _, steps in runs], axis=1) for part in range(5)
    )
    actual = run(environments, actions_TSN.reshape(random_TSN.shape))
    for one, other in zip(actual, expected, strict=True):
        np.testing.assert_array_equal(one, other.reshape(one.shape))
    assert [part.dtype for part in actual] == [np.float32, np.float64, np.bool_, np.bool_]

    _, _, terminations_TSN, truncations_TSN = actual
    assert truncations_TSN.sum() >= 4
    assert (terminations_TSN.sum() >= 4) == (env_id != "Pendulum-v1")
    assert (terminations_TSN | truncations_TSN).sum((0, 1)).all()


@ALL
def test_one_step_from_any_state_is_gymnasiums(env_id: str) -> None:
    """Also in the state's doubles, whose last bits the observations do not show."""
    seeds_SN = np.zeros((2, 1000), dtype=np.int64)
    limits_X = np.array(LIMITS_X[env_id])
    physics_SNX = np.random.default_rng(1).uniform(-limits_X, limits_X, (*seeds_SN.shape, len(limits_X)))
    (actions_SN,) = random_actions(env_id, 1, seeds_SN.shape)
    environments = CLASSIC[env_id](seeds_SN)
    environments.reset()
    environments.restore({**environments.state(), "physics_SNX": physics_SNX})
    observations_SNO, rewards_SN, terminations_SN, _ = environments.step(actions_SN)
    after_SNX = environments.state()["physics_SNX"]
    environment: Any = gymnasium.make(env_id).unwrapped
    for place in np.ndindex(seeds_SN.shape):
        environment.reset()
        environment.state = physics_SNX[place]
        action = actions_SN[place]
        observation, reward, terminated, _, _ = environment.step(action if np.ndim(action) else int(action))
        assert (rewards_SN[place], terminations_SN[place]) == (reward, terminated)
        if not terminated:
            np.testing.assert_array_equal(observations_SNO[place], observation)
            np.testing.assert_array_equal(after_SNX[place], environment.state)
    assert terminations_SN.any() == (env_id != "Pendulum-v1")


@ALL
def test_first_observations_are_gymnasiums_also_later_and_after_a_restore(env_id: str) -> None:
    """Acrobot takes them from cosines in single precision. That shows in one start of 500."""
    seeds_SN = np.arange(2000).reshape(2, 1000)
    environment = gymnasium.make(env_id, disable_env_checker=True)
    resets = [(environment.reset(seed=seed)[0], environment.reset()[0]) for seed in seeds_SN.ravel().tolist()]
    expected, expected_later = (np.stack(starts).reshape(*seeds_SN.shape, -1) for starts in zip(*resets, strict=True))
    environments, others = CLASSIC[env_id](seeds_SN), CLASSIC[env_id](seeds_SN)
    np.testing.assert_array_equal(environments.reset(), expected)
    state = environments.state()
    np.testing.assert_array_equal(others.restore(state), expected)
    others.restore({**state, "lengths_SN": np.full_like(seeds_SN, others.max_episode_steps - 1)})
    (actions_SN,) = random_actions(env_id, 1, seeds_SN.shape)
    later_SNO, _, _, truncations_SN = others.step(actions_SN)
    assert truncations_SN.all()
    np.testing.assert_array_equal(later_SNO, expected_later)


@ALL
def test_the_time_limit_and_the_sizes_are_those_that_gymnasium_registers(env_id: str) -> None:
    environment, classic = gymnasium.make(env_id), CLASSIC[env_id]
    assert environment.spec is not None
    assert classic.max_episode_steps == environment.spec.max_episode_steps
    assert environment.observation_space.shape == (classic.observation_size,)


@ALL
@pytest.mark.parametrize("steps", [0, 1, 199, 200, 333])
def test_restored_from_a_file_others_go_on_exactly(env_id: str, steps: int) -> None:
    """200 steps: some or all have only just started, with an observation that no step has computed."""
    actions_TSN = random_actions(env_id, steps + 250, SEEDS_SN.shape)
    environments = CLASSIC[env_id](SEEDS_SN)
    observations_SNO = environments.reset()
    if steps:
        observations_SNO = run(environments, actions_TSN[:steps])[0][-1]
    file = io.BytesIO()
    np.savez(file, **environments.state())
    file.seek(0)
    with np.load(file, allow_pickle=False) as loaded:
        state = dict(loaded)
    assert all(values.shape[:2] == SEEDS_SN.shape for values in state.values())
    going_on = run(environments, actions_TSN[steps:])
    for _ in range(2):  # the second time shows that the state was not written into
        others = CLASSIC[env_id](SEEDS_SN + 100)
        restored_SNO = others.restore(state)
        np.testing.assert_array_equal(restored_SNO, observations_SNO)
        restored_SNO[:] = 7
        np.testing.assert_equal(others.state(), state)
        assert_same(run(others, actions_TSN[steps:]), going_on)


@ALL
def test_a_seeds_environments_do_not_depend_on_those_beside_them(env_id: str) -> None:
    seeds_SN = np.arange(15).reshape(3, 5)
    actions_TSN = random_actions(env_id, 250, seeds_SN.shape)
    together = CLASSIC[env_id](seeds_SN)
    first_SNO, steps = together.reset(), run(together, actions_TSN)
    for part in (np.s_[1:2, :], np.s_[:, 2:4], np.s_[2:, 4:]):
        environments = CLASSIC[env_id](seeds_SN[part])
        np.testing.assert_array_equal(environments.reset(), first_SNO[part])
        assert_same(run(environments, actions_TSN[:, *part]), [array_TSN[:, *part] for array_TSN in steps])


@ALL
def test_what_is_returned_belongs_to_the_caller(env_id: str) -> None:
    """Neither overwritten by later steps nor read again: one caller keeps everything, another writes into it."""
    actions_TSN = random_actions(env_id, 250, SEEDS_SN.shape)
    kept, written = CLASSIC[env_id](SEEDS_SN), CLASSIC[env_id](SEEDS_SN)
    arrays, copies = [], []
    for environments in (kept, written):
        environments.reset()[:] = 7
    for actions_SN in actions_TSN:
        arrays += [*kept.step(actions_SN), *kept.state().values()]
        copies += [array.copy() for array in arrays[-8:]]
        ours = actions_SN.copy()
        theirs = written.step(ours)
        assert_same([ours, *theirs], [actions_SN, *copies[-8:-4]])
        for array in (ours, *theirs):
            array[:] = 1
        state = written.state()
        assert_same([*state.values()], copies[-4:])
        for array in state.values():
            array[:] = 1
    assert_same(arrays, copies)


@ALL
def test_a_second_reset_starts_from_the_seeds_again(env_id: str) -> None:
    actions_TSN = random_actions(env_id, 250, SEEDS_SN.shape)
    environments = CLASSIC[env_id](SEEDS_SN)
    first_SNO, steps = environments.reset(), run(environments, actions_TSN)
    np.testing.assert_array_equal(environments.reset(), first_SNO)
    assert_same(run(environments, actions_TSN), steps)
