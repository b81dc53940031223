from argparse import ArgumentTypeError
from dataclasses import fields

import pytest

from ppo_impl.config import Config, ConfigError, flag, parse, parse_seeds, parser


def test_the_defaults_are_those_published_for_classic_control() -> None:
    config = Config()
    assert (config.num_envs, config.num_steps, config.num_minibatches, config.update_epochs) == (4, 128, 4, 4)
    assert (config.learning_rate, config.clip_coef, config.ent_coef) == (2.5e-4, 0.2, 0.01)
    assert (config.gamma, config.gae_lambda, config.total_timesteps) == (0.99, 0.95, 500_000)
    assert (config.vf_coef, config.max_grad_norm) == (0.5, 0.5)
    assert config.clip_vloss
    assert (config.anneal_clip, config.target_kl) == (False, None)


def test_every_field_is_an_option_with_help_and_default() -> None:
    text = " ".join(parser().format_help().split())
    for one in fields(Config):
        assert flag(one.name) in text
        assert one.metadata["help"] in text
        assert f"(default: {one.metadata['shown']})" in text
    assert parse([]) == Config()
    assert "default: None" not in text


def test_a_command_line_is_a_configuration() -> None:
    config = parse(
        ["--env-id", "A-v1", "--seeds=2,5-6", "--learning-rate", "2e-3", "--num-envs", "8", "--num-steps=32"]
    )
    assert config == Config(env_id="A-v1", seeds=(2, 5, 6), learning_rate=0.002, num_envs=8, num_steps=32)
    assert (config.batch_size, config.num_iterations) == (256, 500_000 // 256)
    assert parse(["--no-clip-vloss"]) == Config(clip_vloss=False)
    assert parse(["--clip-vloss"]) == Config()
    assert parse(["--anneal-clip", "--target-kl", "0.02", "--no-kernel"]) == Config(
        anneal_clip=True, target_kl=0.02, kernel=False
    )
    assert parse(["--checkpoint-dir", "a b/c", "--profile=p.svg"]) == Config(checkpoint_dir="a b/c", profile="p.svg")


@pytest.mark.parametrize("name", ["norm_obs", "norm_reward"])
def test_normalisation_is_on_off_or_left_to_the_kind_of_actions(name: str) -> None:
    settings = [getattr(parse(arguments), name) for arguments in ([], [flag(name)], [f"--no-{flag(name)[2:]}"])]
    assert settings == [None, True, False]


@pytest.mark.parametrize(
    ("text", "seeds"), [("3", (3,)), ("0", (0,)), ("1-4", (1, 2, 3, 4)), ("1,4,7-9", (1, 4, 7, 8, 9)), ("9,2", (9, 2))]
)
def test_seeds_are_lists_of_numbers_and_ranges(text: str, seeds: tuple[int, ...]) -> None:
    assert parse_seeds(text) == seeds


@pytest.mark.parametrize("text", ["", "a", "1-", "-1", "1,,2", "3-1", "1.5", "0-99999999", "1-2-3", "²"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ArgumentTypeError, match="seeds"):
        parse_seeds(text)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--seeds 1-3,2", "--seeds: 2 given more than once"),
        (f"--seeds {2**32}", "--seeds: needs"),
        ("--total-timesteps 0", "--total-timesteps 0: must be at least 1"),
        ("--num-envs -1", "--num-envs"),
        ("--num-steps 0", "--num-steps 0"),
        ("--update-epochs 0", "--update-epochs 0"),
        ("--num-minibatches 0", "--num-minibatches 0"),
        ("--num-minibatches 3", "does not divide --num-envs 4 x --num-steps 128 = 512 samples"),
        ("--num-minibatches 512", "choose fewer minibatches"),
        ("--total-timesteps 511", "give at least 512"),
        ("--learning-rate 0", "--learning-rate 0.0: must be above 0"),
        ("--learning-rate nan", "--learning-rate nan"),
        ("--learning-rate inf", "--learning-rate inf"),
        ("--clip-coef 0", "--clip-coef 0.0"),
        ("--max-grad-norm -1", "--max-grad-norm"),
        ("--ent-coef -0.1", "--ent-coef -0.1: must be 0 or more"),
        ("--vf-coef -0.1", "--vf-coef"),
        ("--gamma 1.1", "--gamma 1.1: must be between 0 and 1"),
        ("--gae-lambda -1", "--gae-lambda"),
        ("--target-kl 0", "--target-kl 0.0: must be above 0"),
        ("--target-kl nan", "--target-kl nan"),
        ("--target-kl never", "--target-kl"),
        ("--kernel no", "no"),
        ("--num-env 3", "--num-env"),
        ("--num-envs many", "--num-envs"),
        ("stray", "stray"),
    ],
)
def test_a_bad_setting_is_named(arguments: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(arguments.split())
    assert message in str(caught.value)


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        Config(num_envs=0, gamma=2.0, seeds=(1, 1))
    assert all(name in str(caught.value) for name in ("--num-envs", "--gamma", "--seeds"))


def test_a_run_is_recorded_without_the_company_of_its_seed() -> None:
    recorded = Config(seeds=(3, 4)).of_seed(4)
    assert recorded["seed"] == 4
    assert recorded["exp_name"] == "ppo"
    assert recorded == Config(seeds=(4, 9, 11)).of_seed(4)


def test_everything_is_recorded_but_what_cannot_change_a_curve() -> None:
    recorded = Config(checkpoint_dir="d", profile="p.svg").of_seed(1)
    left_out = {"seeds", "checkpoint_dir", "profile"}
    assert {one.name for one in fields(Config)} - left_out == set(recorded) - {"seed", "exp_name"}
    assert recorded == Config().of_seed(1)
    settings = {"norm_obs": True, "norm_reward": False, "kernel": False, "target_kl": 0.1, "anneal_clip": True}
    assert settings.items() <= Config(**settings).of_seed(1).items()
