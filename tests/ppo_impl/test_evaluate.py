from dataclasses import replace
from pathlib import Path

import gymnasium
import numpy as np
import pytest
import torch

from ppo_impl.checkpoint import NAME, Checkpoint, save
from ppo_impl.config import Config, ConfigError
from ppo_impl.evaluate import OK, USAGE, Evaluation, evaluate, main, play, report
from ppo_impl.ppo import Trainer

SURE, HARDLY = 1000.0, 0.01  # by how much the better choice's logit is ahead


def checkpoint_of(trainer: Trainer) -> Checkpoint:
    return Checkpoint(trainer.config, dict.fromkeys(trainer.config.seeds, "id"), trainer.state())


def namer(env_id: str, *gains: float, **settings: object) -> Checkpoint:
    """Policies that name the larger of two observations, one seed for each gain."""
    trainer = Trainer(Config(env_id=env_id, seeds=tuple(range(1, len(gains) + 1)), **settings))  # type: ignore[arg-type]
    with torch.no_grad():
        trainer.agent.flat_SP.zero_()
        for weight_SIJ, _ in trainer.agent.layers(trainer.agent.actor):
            weight_SIJ[:, 0, 0] = weight_SIJ[:, 1, 1] = 1
        weight_SIJ[:, :2] *= torch.tensor(gains)[:, None, None]
    return checkpoint_of(trainer)


def test_the_most_likely_actions_get_everything_and_drawn_ones_what_their_chances_give() -> None:
    """8 steps, 1 for each corner named; the second policy is as good at its most likely, but next to undecided."""
    played = evaluate(namer("probes:Identity-v0", SURE, HARDLY), 200, seed=0)
    np.testing.assert_array_equal(played.deterministic_SK, np.full((2, 200), 8.0))
    np.testing.assert_array_equal(played.sampled_SK[0], np.full(200, 8.0))
    assert played.sampled_SK[1].mean() == pytest.approx(4, abs=0.5)  # 5 standard errors of sqrt(8 / 4 / 200)


@pytest.mark.parametrize("rounds", [1, 3])
def test_every_environment_plays_as_many_episodes_however_long_they_are(rounds: int) -> None:
    """The first to end would be the short ones. The oracle: each environment alone."""
    checkpoint = namer("probes:Uneven-v0", SURE)
    returns_SK = play(checkpoint, rounds, 5, 20, deterministic=True)
    expected = []
    for env_seed in np.random.SeedSequence(5).generate_state(20):
        one = gymnasium.make("probes:Uneven-v0", disable_env_checker=True)
        one.reset(seed=int(env_seed))
        for _ in range(rounds):
            steps = 1
            while not one.step(0)[2]:
                steps += 1
            expected.append(steps)
            one.reset()
    np.testing.assert_array_equal(returns_SK, [expected])
    assert {*expected} == {1, 40}


@pytest.mark.parametrize(("asked", "played"), [(1, 1), (7, 7), (10, 10), (11, 20), (30, 30)])
def test_episodes_are_rounded_up_to_whole_rounds(asked: int, played: int) -> None:
    assert evaluate(namer("probes:Identity-v0", SURE), asked, seed=0).sampled_SK.shape == (1, played)


@pytest.mark.parametrize("settings", [{"num_envs": 4, "num_steps": 3}, {"num_envs": 1, "num_steps": 512}])
def test_the_sizes_of_the_training_do_not_matter(settings: dict[str, int]) -> None:
    """Other numbers of environments than it had would not make a batch."""
    checkpoint = namer("probes:Identity-v0", SURE, total_timesteps=512, **settings)
    assert evaluate(checkpoint, 1, seed=0).sampled_SK.tolist() == [[8.0]]


def test_observations_are_normalised_by_the_statistics_of_the_training_which_stay() -> None:
    checkpoint = namer("probes:Distant-v0", SURE, norm_obs=True)
    statistics = {"mean": np.full((1, 2), 1000.5), "variance": np.full((1, 2), 0.25), "count": np.array([1e4])}
    checkpoint.state.update({f"environments.observations.{name}": one for name, one in statistics.items()})
    before = {name: array.copy() for name, array in checkpoint.state.items()}
    for _ in range(2):
        np.testing.assert_array_equal(evaluate(checkpoint, 50, seed=0).deterministic_SK, np.full((1, 50), 8.0))
    np.testing.assert_equal(checkpoint.state, before)
    checkpoint.state["environments.observations.mean"] = np.zeros((1, 2))
    assert evaluate(checkpoint, 50, seed=0).deterministic_SK.mean() < 7


def test_returns_are_raw_though_the_training_scaled_rewards() -> None:
    checkpoint = namer("probes:Identity-v0", SURE, norm_reward=True)
    assert evaluate(checkpoint, 10, seed=0).deterministic_SK.tolist() == [[8.0] * 10]


def test_forbidden_actions_are_not_taken() -> None:
    """The probe breaks down if one is."""
    for env_id in ("probes:Masked-v0", "probes:Reticent-v0"):
        evaluate(checkpoint_of(Trainer(Config(env_id=env_id, seeds=(1, 2)))), 20, seed=0)


@pytest.mark.parametrize("env_id", ["CartPole-v1", "Pendulum-v1", "probes:Several-v0"])
def test_the_same_seed_gives_the_same_returns_and_another_gives_others(env_id: str) -> None:
    trainer = Trainer(Config(env_id=env_id, seeds=(1, 2), total_timesteps=512))
    trainer.iterate()
    checkpoint = checkpoint_of(trainer)
    first, second, other = (evaluate(checkpoint, 10, seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first.sampled_SK, second.sampled_SK)
    np.testing.assert_array_equal(first.deterministic_SK, second.deterministic_SK)
    if env_id != "probes:Several-v0":
        assert not np.array_equal(first.deterministic_SK, other.deterministic_SK)
    assert not np.array_equal(first.sampled_SK, first.deterministic_SK)


def test_the_table_has_a_row_for_each_seed() -> None:
    config = Config(env_id="CartPole-v1", seeds=(3, 12), total_timesteps=2_000)
    state = {"iteration": np.array(3), "optimizer.parameters": np.ones((2, 5))}
    evaluation = Evaluation(np.array([[1.0, 3.0], [500.0, 500.0]]), np.array([[0.5, 0.5], [-1234.5, 1234.5]]))
    told = report(Checkpoint(config, {}, state), evaluation)
    head, *rows = told.splitlines()
    assert head == "CartPole-v1 after 1,536 of 2,000 steps; returns of 2 episodes each"
    assert [row.split() for row in rows] == [
        ["seed", "deterministic", "sampled"],
        ["3", "2.00", "+-", "1.00", "0.50", "+-", "0.00"],
        ["12", "500.00", "+-", "0.00", "0.00", "+-", "1234.50"],
    ]
    assert len({len(row) for row in rows}) == 1


def test_a_seed_that_was_lost_has_no_returns() -> None:
    config = Config(seeds=(3, 12), total_timesteps=2_000)
    parameters = np.ones((2, 5))
    parameters[0, 4] = np.nan
    state = {"iteration": np.array(3), "optimizer.parameters": parameters}
    told = report(Checkpoint(config, {}, state), Evaluation(np.ones((2, 2)), np.ones((2, 2))))
    assert told.splitlines()[2].strip() == "3 its parameters are not finite: its training was lost"
    assert told.splitlines()[3].split()[:2] == ["12", "1.00"]


def test_an_episode_that_does_not_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ppo_impl.evaluate.LONGEST", 50)
    with pytest.raises(
        ConfigError, match=r"Endless-v0: an episode goes on after 50 steps; register .*max_episode_steps"
    ):
        evaluate(namer("probes:Endless-v0", SURE), 2, seed=0)


@pytest.mark.parametrize("name", ["", NAME])
def test_the_command_takes_the_directory_or_the_file(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    checkpoint = namer("probes:Identity-v0", SURE)
    save(replace(checkpoint, config=replace(checkpoint.config, checkpoint_dir=str(tmp_path))))
    assert main([str(tmp_path / name), "--episodes", "20"]) == OK
    told = capsys.readouterr()
    assert told.err == ""
    assert told.out.splitlines()[-1].split() == ["1", "8.00", "+-", "0.00", "8.00", "+-", "0.00"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["{}"], "checkpoint.npz: no such checkpoint; train with --checkpoint-dir"),
        (["{}/no"], "no: no such checkpoint"),
        (["{}", "--episodes", "0"], "--episodes must be at least 1"),
        (["{}", "--seed", "-1"], "--seed 0 or more"),
        (["{}/other"], "other is not a checkpoint of ppo_impl"),
    ],
)
def test_wrong_usage_is_told_on_stderr(
    arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "other").write_text("something else")
    assert main([one.format(tmp_path) for one in arguments]) == USAGE
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("ppo_impl.evaluate: ")
    assert message in told.err


@pytest.mark.parametrize("arguments", [[], ["x", "--episodes", "many"], ["x", "--episode", "3"]])
def test_options_that_make_no_sense_are_wrong_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == USAGE
    assert "usage:" in capsys.readouterr().err
