"""The oracle is gymnasium itself: every environment made and stepped alone."""

import io
from typing import Any

import gymnasium
import numpy as np
import pytest
from numpy.typing import NDArray

from ppo_impl.config import Config, ConfigError
from ppo_impl.environments import Environments, Synchronous
from ppo_impl.environments.synchronous import pack, unpack

SEEDS_SN = np.array([[3, 1, 4], [1, 5, 9]])
TAXI = max(name for name in gymnasium.registry if name.startswith("Taxi-v"))


def random_actions(env_id: str, steps: int) -> NDArray[Any]:
    """actions_TSN or, where an action is several numbers, actions_TSNC; all within bounds."""
    space = gymnasium.make(env_id, disable_env_checker=True).action_space
    space.seed(0)
    flat = np.array([space.sample() for _ in range(steps * SEEDS_SN.size)])
    return flat.reshape(steps, *SEEDS_SN.shape, *space.shape)


def through_a_file(state: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    file = io.BytesIO()
    np.savez(file, **state)
    file.seek(0)
    with np.load(file, allow_pickle=False) as loaded:
        return dict(loaded)


@pytest.mark.parametrize("env_id", ["CartPole-v1", "probes:Reach-v0", "probes:Several-v0", "probes:Uneven-v0"])
def test_stepping_together_is_stepping_each_alone_and_resetting_it_when_it_ends(env_id: str) -> None:
    """No dummy step: after an ended episode the very next step is the first of a new one."""
    together = Synchronous(env_id, SEEDS_SN)
    alone = {place: gymnasium.make(env_id, disable_env_checker=True) for place in np.ndindex(SEEDS_SN.shape)}
    expected = {place: one.reset(seed=int(SEEDS_SN[place]))[0] for place, one in alone.items()}
    observations_SNO, ended = together.reset(), 0
    for actions_SN in random_actions(env_id, 100):
        for place, observation in expected.items():
            np.testing.assert_array_equal(observations_SNO[place], observation)
        observations_SNO, rewards_SN, terminations_SN, truncations_SN = together.step(actions_SN.copy())
        for place, one in alone.items():
            expected[place], *told, _ = one.step(actions_SN[place])
            assert [rewards_SN[place], terminations_SN[place], truncations_SN[place]] == told
            if told[1] or told[2]:
                expected[place], ended = one.reset()[0], ended + 1
    assert ended > 10


def test_what_comes_out_is_not_overwritten_later() -> None:
    environments = Synchronous("CartPole-v1", SEEDS_SN)
    kept = [environments.reset()]
    copies = [kept[0].copy()]
    for actions_SN in random_actions("CartPole-v1", 20):
        kept += environments.step(actions_SN)
        copies += [array.copy() for array in kept[-4:]]
    assert [array.dtype for array in kept[-4:]] == [np.float32, np.float64, np.bool_, np.bool_]
    for array, copy in zip(kept, copies, strict=True):
        np.testing.assert_array_equal(array, copy)


# Masks


@pytest.mark.parametrize("env_id", ["probes:Masked-v0", "probes:Reticent-v0", TAXI])
def test_masks_are_those_the_environments_tell_and_everything_where_they_say_nothing(env_id: str) -> None:
    alone = {place: gymnasium.make(env_id, disable_env_checker=True) for place in np.ndindex(SEEDS_SN.shape)}
    together = Synchronous(env_id, SEEDS_SN)
    infos = {place: one.reset(seed=int(SEEDS_SN[place]))[1] for place, one in alone.items()}
    together.reset()
    random, size = np.random.default_rng(0), next(iter(alone.values())).action_space.n
    for _ in range(30):
        masks_SNP = together.action_masks()
        told = {place: info.get("action_mask", np.ones(size)) for place, info in infos.items()}
        if masks_SNP is None:
            assert not any("action_mask" in info for info in infos.values())
        else:
            assert masks_SNP.dtype == np.bool_
            np.testing.assert_array_equal(masks_SNP, np.reshape(list(told.values()), (*SEEDS_SN.shape, -1)))
        actions_SN = np.reshape([random.choice(np.flatnonzero(mask)) for mask in told.values()], SEEDS_SN.shape)
        together.step(actions_SN)
        for place, one in alone.items():
            *_, terminated, truncated, infos[place] = one.step(int(actions_SN[place]))
            if terminated or truncated:
                infos[place] = one.reset()[1]


def test_an_environment_without_masks_has_none() -> None:
    environments = Synchronous("CartPole-v1", SEEDS_SN)
    environments.reset()
    assert environments.action_masks() is None


# Going on


@pytest.mark.parametrize(
    "env_id",
    [
        "CartPole-v1", "Pendulum-v1", "probes:Identity-v0", "probes:Reach-v0", "probes:Several-v0", "probes:Masked-v0",
        "probes:Uneven-v0", "probes:Truncated-v0",
    ],
)  # fmt: skip
@pytest.mark.parametrize("steps", [0, 1, 8, 16, 37])
def test_restored_from_a_file_others_go_on_exactly(env_id: str, steps: int) -> None:
    """After 8 steps the probes have just been reset; with `Uneven` and `Reach` some have, and the others have not."""
    random_TSN = random_actions(env_id, steps + 60)
    environments = Synchronous(env_id, SEEDS_SN)
    observations_SNO = environments.reset()
    for actions_SN in random_TSN[:steps]:
        observations_SNO, *_ = environments.step(legal(actions_SN, environments))
    state = through_a_file(environments.state())
    others = Synchronous(env_id, SEEDS_SN + 100)
    np.testing.assert_array_equal(others.restore(state), observations_SNO)
    np.testing.assert_equal(others.state(), state)
    for actions_SN in random_TSN[steps:]:
        np.testing.assert_equal(others.action_masks(), environments.action_masks())
        actions = legal(actions_SN, environments)
        for one, other in zip(environments.step(actions.copy()), others.step(actions.copy()), strict=True):
            np.testing.assert_array_equal(one, other)


def legal(actions_SN: NDArray[Any], environments: Synchronous) -> NDArray[Any]:
    masks_SNP = environments.action_masks()
    return actions_SN.copy() if masks_SNP is None else masks_SNP.argmax(-1)


def test_some_that_have_just_been_reset_do_not_change_the_actions_of_the_others() -> None:
    """CartPole refuses the action 1.0, and Reach goes elsewhere with doubles."""
    for env_id in ("CartPole-v1", "probes:Reach-v0"):
        environments, kinds = Synchronous(env_id, SEEDS_SN), set()
        environments.reset()
        for actions_SN in random_actions(env_id, 60):
            environments.step(actions_SN)
            state = environments.state()
            kinds.add((state["actions"].dtype, 0 in state["steps"]))
        assert kinds == {(actions_SN.dtype, True), (actions_SN.dtype, False)}


def test_the_callers_array_of_actions_may_be_used_again() -> None:
    environments, buffer = Synchronous("probes:Several-v0", SEEDS_SN), np.empty((2, 3, 2), dtype=np.int64)
    environments.reset()
    actions_TSNC = random_actions("probes:Several-v0", 5)
    for actions_SNC in actions_TSNC:
        buffer[:] = actions_SNC
        environments.step(buffer)
    np.testing.assert_array_equal(environments.state()["actions"], np.moveaxis(actions_TSNC, 0, 2))


def test_an_environment_with_randomness_of_its_own_cannot_be_restored_and_is_told_so() -> None:
    config = Config(env_id="probes:Elsewhere-v0")
    environments, others = (Environments(config, SEEDS_SN) for _ in range(2))
    environments.reset()
    with pytest.raises(ConfigError) as caught:
        others.restore(environments.state())
    assert "--checkpoint-dir: probes:Elsewhere-v0 cannot be brought back to where it was" in str(caught.value)
    assert "remove the checkpoint to train from the start" in str(caught.value)


@pytest.mark.parametrize("steps", [0, 20])
def test_numpys_old_generators_can_be_trained_with_but_not_saved(steps: int) -> None:
    environments = Synchronous("probes:Legacy-v0", SEEDS_SN)
    environments.reset()
    for actions_SN in np.ones((steps, *SEEDS_SN.shape), dtype=np.int64):
        environments.step(actions_SN)
    with pytest.raises(ConfigError, match=r"--checkpoint-dir: .*only numpy's PCG64"):
        environments.state()


@pytest.mark.parametrize("draws", [0, 1, 2])
def test_a_packed_generator_goes_on_as_if_it_had_not_been(draws: int) -> None:
    """One draw of 32 bits leaves the other half of its 64 for the next."""
    generator, other = np.random.default_rng(7), np.random.default_rng(8)
    generator.integers(10, size=draws, dtype=np.int32)
    state: Any = generator.bit_generator.state
    numbers = pack(state)
    assert (numbers.dtype, numbers[-2]) == (np.uint64, draws % 2)
    assert unpack(numbers) == state
    other.bit_generator.state = unpack(numbers)
    for kind in (np.int32, np.int64):
        np.testing.assert_array_equal(
            generator.integers(2**31 - 1, size=9, dtype=kind), other.integers(2**31 - 1, size=9, dtype=kind)
        )
    np.testing.assert_array_equal(generator.normal(size=9), other.normal(size=9))


def test_other_kinds_of_generators_are_refused() -> None:
    with pytest.raises(ConfigError, match="of kind MT19937; only numpy's PCG64"):
        pack(dict(np.random.Generator(np.random.MT19937(1)).bit_generator.state))
