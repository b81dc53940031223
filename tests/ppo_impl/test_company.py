"""Same seed, same machine: the same curve bit for bit, whatever other seeds share the process."""

import pytest

from ppo_impl.config import Config
from ppo_impl.ppo import Trainer

COMPANIES = [(5,), (2, 5), (5, 1, 9), (1, 2, 3, 4, 5), (5, 10, 9, 8, 7, 6, 4, 3, 2, 1)]  # the first: the same again
ODD = {"num_envs": 3, "num_steps": 15, "num_minibatches": 5, "learning_rate": 2e-3}
QUICK = {"num_envs": 8, "num_steps": 32, "num_minibatches": 2, "learning_rate": 2e-3}


def curve(env_id: str, seeds: tuple[int, ...], seed: int, settings: dict[str, float]) -> list[bytes]:
    """Everything one seed shows and is, as bytes."""
    trainer = Trainer(Config(env_id=env_id, seeds=seeds, **settings))
    place = seeds.index(seed)
    shown = []
    for _ in range(3):
        iteration = trainer.iterate()
        numbers = [iteration.episodic_return_S, iteration.episodic_length_S, *iteration.losses.values()]
        shown += [number_S[place].tobytes() for number_S in numbers]
    return shown + [parameter[place].detach().numpy().tobytes() for parameter in trainer.agent.parameters()]


@pytest.mark.parametrize(
    ("env_id", "settings"),
    [
        ("CartPole-v1", ODD),
        ("CartPole-v1", QUICK),
        ("CartPole-v1", {}),
        ("Acrobot-v1", ODD),
        ("Acrobot-v1", QUICK),
        ("probes:Identity-v0", ODD),
    ],
)
def test_a_seed_is_the_same_in_any_company(env_id: str, settings: dict[str, float]) -> None:
    alone = curve(env_id, (5,), 5, settings)
    for seeds in COMPANIES:
        assert curve(env_id, seeds, 5, settings) == alone, seeds


def test_other_seeds_are_other_curves() -> None:
    assert curve("CartPole-v1", (5, 6), 5, QUICK) != curve("CartPole-v1", (5, 6), 6, QUICK)
