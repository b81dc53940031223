"""The trainer as a whole; its parts: test_collect, test_advantage, test_loss, test_update."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from textbook import SPACES, generators

import ppo_impl
from ppo_impl import ppo
from ppo_impl.config import Config
from ppo_impl.networks import Agent
from ppo_impl.ppo import Trainer

FOLDER = Path(ppo_impl.__file__).parent
SMALL = Config(env_id="CartPole-v1", seeds=(1, 2, 3), num_envs=3, num_steps=10, num_minibatches=5, total_timesteps=300)


def marked(kind: str, text: str) -> list[int]:
    """The numbers of `# <kind>detail 3:`, `# <kind>details 3 and 4:` and so on, in the order in which they stand."""
    marks = re.findall(rf"# {kind}details? ([\d, and]+)", text)
    return [int(number) for mark in marks for number in re.findall(r"\d+", mark)]


def test_all_13_core_details_are_marked_and_in_order() -> None:
    marks = {name: marked("", (FOLDER / name).read_text()) for name in ("ppo.py", "networks.py")}
    assert marks["ppo.py"] == sorted(marks["ppo.py"])
    assert {*marks["ppo.py"], *marks["networks.py"]} == set(range(1, 14))


@pytest.mark.parametrize(
    ("kind", "numbers"), [("continuous ", set(range(1, 10))), ("auxiliary ", {1, 3})], ids=["continuous", "auxiliary"]
)
def test_the_other_details_are_marked(kind: str, numbers: set[int]) -> None:
    texts = [path.read_text() for path in FOLDER.rglob("*.py")]
    assert {number for text in texts for number in marked(kind, text)} == numbers


@pytest.mark.parametrize("mark", ["# multi-discrete detail:", "# invalid-action masking"])
def test_other_actions_are_marked(mark: str) -> None:
    assert sum(path.read_text().count(mark) for path in FOLDER.rglob("*.py")) == 1


def test_a_seed_that_turns_to_nan_is_found_and_leaves_the_others_alone() -> None:
    sick, sound = Trainer(SMALL), Trainer(SMALL)
    sick.agent.layers(sick.agent.critic)[-1][1].data[1] = torch.nan
    for _ in range(3):
        iteration, expected = sick.iterate(), sound.iterate()
        assert iteration.finite_S.tolist() == [True, False, True]
        assert expected.finite_S.all()
    assert torch.equal(sick.agent.flat_SP[[0, 2]], sound.agent.flat_SP[[0, 2]])


def test_a_parameter_lost_in_the_last_step_is_found_too() -> None:
    agent = Agent(SPACES["discrete"], generators(1, 2))
    agent.layers(agent.actor)[0][0].data[0, 3, 5] = torch.inf
    fine = {name: torch.zeros(2) for name in ("policy_loss", "value_loss", "entropy")}
    assert ppo.finite(agent, fine).tolist() == [False, True]


def test_training_yields_every_whole_iteration() -> None:
    config = replace(SMALL, total_timesteps=3 * SMALL.batch_size + 29)
    assert [iteration.global_step for iteration in ppo.train(Trainer(config))] == [30, 60, 90]


def learned(env_id: str, seeds: tuple[int, ...] = (1, 2, 3), **more: float) -> np.ndarray:
    """returns_IS of every iteration: what a small training makes of it."""
    config = Config(
        env_id=env_id, seeds=seeds, num_envs=8, num_steps=16, num_minibatches=2, learning_rate=0.01,
        total_timesteps=40 * 128, **more,
    )  # fmt: skip
    return np.array([iteration.episodic_return_S for iteration in ppo.train(Trainer(config))])


@pytest.mark.parametrize("kernel", [True, False])
def test_every_seed_learns_to_name_what_it_sees(kernel: bool) -> None:
    """Guessing gives 4 of 8; 7 is far from that, and far from what training reaches (8)."""
    returns_IS = learned("probes:Identity-v0", kernel=kernel)
    assert (returns_IS[0] < 5.5).all()
    assert (returns_IS[-5:].mean(0) > 7).all()


def test_every_seed_learns_to_say_a_number() -> None:
    """The first policy gives -8.7 to -13; the right mean with the deviation of 1, -8; training reaches -0.3 to -0.5."""
    returns_IS = learned("identities:ContinuousIdentity-v0", gamma=0.0, ent_coef=0.0)
    assert (returns_IS[0] < -6).all()
    assert (returns_IS[-5:].mean(0) > -1.2).all()


def test_every_seed_learns_several_choices_under_a_mask() -> None:
    """Guessing among what is allowed gives 2.2 to 3.5 of 8, training 7.9 to 8; forbidden choices raise."""
    returns_IS = learned("identities:MaskedIdentity-v0", gamma=0.0)
    assert (returns_IS[0] < 4.5).all()
    assert (returns_IS[-5:].mean(0) > 7).all()
