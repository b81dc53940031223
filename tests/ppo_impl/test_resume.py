"""--checkpoint-dir as a user has it: the same command again and again."""

import signal
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from sandbox import Ended, Sandbox

from ppo_impl.__main__ import Keeper
from ppo_impl.__main__ import main as train_command
from ppo_impl.checkpoint import NAME, load
from ppo_impl.config import Config
from ppo_impl.evaluate import main as evaluate
from ppo_impl.ppo import Trainer, train
from rlops.curves.sources.wandb_files import WandbFiles

pytestmark = pytest.mark.usefixtures("signal_handlers")
TINY = ["--num-envs", "2", "--num-steps", "12", "--num-minibatches", "2", "--update-epochs", "2"]
# Seconds of training: longer than a signal needs to arrive.
LONG = ["--env-id", "CartPole-v1", "--seeds", "5,3", "--norm-obs", "--total-timesteps", "30720"]


def interrupted(sandbox: Sandbox, *arguments: str, line: str) -> Ended:
    """SIGTERM once a line with that text has been printed."""
    child = sandbox.start(*arguments)
    assert child.stdout is not None
    while line not in (told := child.stdout.readline()):
        assert told
    child.send_signal(signal.SIGTERM)
    output, errors = child.communicate(timeout=60)
    return Ended(child.returncode, output, errors)


def test_an_interrupted_training_goes_on_to_what_it_would_have_been(
    sandbox: Sandbox, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "kept" / "here"
    command = [*LONG, "--checkpoint-dir", str(folder)]
    ended = interrupted(sandbox, *command, line="training 2 seeds")  # before torch is there
    assert (ended.code, ended.errors) == (143, "ppo_impl: stopped by SIGTERM\n")
    reached = load(folder / NAME).iteration
    assert 0 < reached < 60
    ended = sandbox.train(*command)
    assert (ended.code, ended.errors) == (0, "")
    assert f"going on after iteration {reached} of 60" in ended.output

    found = load(folder / NAME)
    assert train_command(command) == 0
    assert capsys.readouterr().out == "CartPole-v1: trained already, to iteration 60; nothing to do\n"

    whole = Trainer(found.config)
    assert len(list(train(whole))) == 60
    np.testing.assert_equal(found.state, whole.state())

    segments = sandbox.segments()
    assert [run.exit_code for run in segments] == [143, 143, 0, 0]
    for seed in (5, 3):
        mine = [run for run in segments if run.config["seed"] == seed]
        assert {run.run_id for run in mine} == {found.run_ids[seed]}
        assert [step for run in mine for step in run.curve("global_step")] == [*range(512, 30_721, 512)]
    # And as rlops reads them: one whole curve per seed.
    source = WandbFiles(sandbox.path / "wandb")
    listings = source.list_runs()
    assert len(listings) == 2
    history = source.fetch(listings[0])
    assert (history.state, history.incomplete) == ("finished", None)
    assert history.curve("losses/value_loss", "global_step").steps.tolist() == [*range(512, 30_721, 512)]


def keeper(folder: str, done: list[str]) -> Keeper:
    tracker = SimpleNamespace(run_ids={}, write=lambda: done.append("handed over"))
    return Keeper(Config(checkpoint_dir=folder), SimpleNamespace(state=dict), tracker)  # type: ignore[arg-type]


def test_rows_are_handed_over_before_the_checkpoint_after_which_nobody_logs_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else a SIGKILL could leave a hole in the curve."""
    done: list[str] = []
    monkeypatch.setattr("ppo_impl.__main__.save", lambda _: done.append("saved"))
    keeper("d", done).keep(now=True)
    assert done == ["handed over", "saved"]


def test_a_checkpoint_is_written_once_a_minute_if_a_directory_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    now, saved = 1000.0, []
    monkeypatch.setattr("ppo_impl.__main__.time", SimpleNamespace(monotonic=lambda: now))
    monkeypatch.setattr("ppo_impl.__main__.save", lambda _: saved.append(now))
    keepers = [keeper(folder, []) for folder in ("", "d")]
    for _ in range(50):
        now += 7
        for one in keepers:
            one.keep()
    assert saved == [1063.0, 1126.0, 1189.0, 1252.0, 1315.0]
    keepers[0].keep(now=True)
    assert len(saved) == 5


def test_a_lost_seed_is_told_again_when_nothing_is_left_to_do(sandbox: Sandbox) -> None:
    arguments = ["--env-id", "probes:Poisoned-v0", "--seeds", "5,6", "--total-timesteps", "72", *TINY]
    arguments += ["--checkpoint-dir", str(sandbox.path / "kept")]
    first, second = sandbox.train(*arguments), sandbox.train(*arguments)
    told = "ppo_impl: seed 6: losses or parameters became NaN or infinite; not trained\n"
    assert [(first.code, first.errors), (second.code, second.errors)] == [(1, told)] * 2
    assert "trained already" in second.output
    assert len(sandbox.segments()) == 2


def test_nothing_need_be_recorded_to_be_kept(sandbox: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    folder = sandbox.path / "with a space, = and ünicode"
    arguments = ["--env-id", "probes:Identity-v0", "--total-timesteps", "48", *TINY, "--checkpoint-dir", str(folder)]
    assert sandbox.train(*arguments, WANDB_MODE="disabled").code == 0
    assert load(folder / NAME).done
    assert evaluate([str(folder), "--episodes", "5"]) == 0
    assert "after 48 of 48 steps; returns of 5 episodes each" in capsys.readouterr().out
    other = sandbox.train(*arguments, "--gamma", "0.5")
    assert other.code == 2
    assert "holds another training (--gamma 0.99 there, 0.5 now); repeat its settings" in other.errors
