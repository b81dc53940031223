"""Same seed, same machine: the same curve bit for bit, whatever other seeds share the process."""

from typing import Any

import pytest

from ppo_impl.config import Config
from ppo_impl.ppo import Trainer

COMPANIES = [(5,), (2, 5), (5, 1, 9), (1, 2, 3, 4, 5), (5, 10, 9, 8, 7, 6, 4, 3, 2, 1)]  # the first: the same again
ODD = {"num_envs": 3, "num_steps": 15, "num_minibatches": 5, "learning_rate": 2e-3}
QUICK = {"num_envs": 8, "num_steps": 32, "num_minibatches": 2, "learning_rate": 2e-3}
ALL = {**QUICK, "target_kl": 1e-3, "anneal_clip": True, "clip_vloss": False, "norm_obs": True, "norm_reward": True}


def curve(env_id: str, seeds: tuple[int, ...], seed: int, settings: dict[str, Any]) -> list[bytes]:
    """Everything one seed shows and is, as bytes."""
    trainer = Trainer(Config(env_id=env_id, seeds=seeds, **settings))
    place = seeds.index(seed)
    shown = []
    for _ in range(3):
        iteration = trainer.iterate()
        numbers = [iteration.episodic_return_S, iteration.episodic_length_S, *iteration.losses.values()]
        shown += [number_S[place].tobytes() for number_S in numbers]
    state = trainer.state()
    whole = ("iteration", "environments.observations.count", "environments.rewards.count")
    return shown + [state[name][place].tobytes() for name in sorted(state) if name not in whole]


@pytest.mark.parametrize("kernel", [True, False], ids=["kernel", "torch"])
@pytest.mark.parametrize(
    ("env_id", "settings"),
    [
        ("CartPole-v1", ODD),
        ("CartPole-v1", QUICK),
        ("CartPole-v1", ALL),
        ("CartPole-v1", {}),
        ("Acrobot-v1", ODD),
        ("Acrobot-v1", QUICK),
        ("Pendulum-v1", ODD),
        ("Pendulum-v1", ALL),
        ("probes:Identity-v0", ODD),
        ("identities:MaskedIdentity-v0", ODD),
        ("identities:MaskedIdentity-v0", ALL),
        ("identities:ContinuousIdentity-v0", ODD),
    ],
)
def test_a_seed_is_the_same_in_any_company(env_id: str, settings: dict[str, Any], kernel: bool) -> None:
    settings = {**settings, "kernel": kernel}
    alone = curve(env_id, (5,), 5, settings)
    for seeds in COMPANIES:
        assert curve(env_id, seeds, 5, settings) == alone, seeds


@pytest.mark.parametrize("env_id", ["CartPole-v1", "Pendulum-v1"])
def test_other_seeds_are_other_curves(env_id: str) -> None:
    assert curve(env_id, (5, 6), 5, QUICK) != curve(env_id, (5, 6), 6, QUICK)
