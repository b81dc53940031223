import time
from contextlib import nullcontext

import numpy as np
import pytest
import wandb

from ppo_impl.config import Config, ConfigError
from ppo_impl.ppo import Iteration
from ppo_impl.track import Tracker, row


def iteration(*finite: bool, step: int = 512) -> Iteration:
    losses = {name: np.array([0.5, 1.5]) for name in ("value_loss", "approx_kl", "explained_variance")}
    return Iteration(
        global_step=step,
        seconds={"environment": 0.15, "update": 0.1},
        learning_rate=0.001,
        episodic_return_S=np.array([20.0, np.nan]),
        episodic_length_S=np.array([21.0, np.nan]),
        losses=losses,
        finite_S=np.array(finite or (True, True)),
    )


def test_a_row_has_the_names_of_the_field() -> None:
    assert row(iteration(), 0, batch_size=128) == {
        "global_step": 512,
        "charts/SPS": 512.0,  # 128 steps of this seed in a quarter of a second
        "charts/learning_rate": 0.001,
        "charts/episodic_return": 20.0,
        "charts/episodic_length": 21.0,
        "losses/value_loss": 0.5,
        "losses/approx_kl": 0.5,
        "losses/explained_variance": 0.5,
    }


def test_a_row_lacks_the_episodic_keys_if_no_episode_ended() -> None:
    told = row(iteration(), 1, batch_size=128)
    assert told["losses/value_loss"] == 1.5
    assert not [key for key in told if "episodic" in key]


def test_an_episode_of_nan_return_is_shown_as_such() -> None:
    told = row(
        Iteration(512, {"update": 0.25}, 0.001, np.array([np.nan]), np.array([9.0]), {}, np.array([False])),
        0,
        batch_size=128,
    )
    assert np.isnan(told["charts/episodic_return"])


class FakeRun:
    def __init__(self) -> None:
        self.rows: list[dict[str, float]] = []
        self.exit_codes: list[int] = []

    def define_metric(self, name: str, step_metric: str) -> None:
        assert (name, step_metric) == ("*", "global_step")

    def log(self, row: dict[str, float]) -> None:
        assert not self.exit_codes
        self.rows.append(row)

    def finish(self, exit_code: int) -> None:
        self.exit_codes.append(exit_code)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[FakeRun]:
    runs: list[FakeRun] = []
    monkeypatch.setattr(wandb, "init", lambda **_: runs.append(FakeRun()) or runs[-1])
    return runs


def steps(run: FakeRun) -> list[float]:
    return [row["global_step"] for row in run.rows]


@pytest.mark.parametrize(
    ("error", "code"),
    [(None, 0), (ValueError("x"), 1), (KeyboardInterrupt(), 1), (SystemExit(143), 143), (SystemExit("x"), 1)],
)
def test_every_run_is_finished_once_whatever_happens(
    started: list[FakeRun], error: BaseException | None, code: int
) -> None:
    with pytest.raises(type(error)) if error else nullcontext(), Tracker(Config(seeds=(1, 2))) as tracker:
        tracker.log(iteration())
        if error:
            raise error
    assert [run.exit_codes for run in started] == [[code], [code]]


def test_a_lost_seed_gets_its_last_row_and_no_more(started: list[FakeRun]) -> None:
    with Tracker(Config(seeds=(7, 8))) as tracker:
        tracker.log(iteration(True, False))
        tracker.log(iteration(True, False))
        assert tracker.running
    assert [len(run.rows) for run in started] == [2, 1]
    assert [run.exit_codes for run in started] == [[0], [1]]
    assert tracker.lost == [8]


ENDS = [None, ValueError("x"), SystemExit(143)]


@pytest.mark.parametrize("error", ENDS, ids=str)
def test_the_rows_that_wait_arrive_complete_and_in_order_however_it_ends(
    started: list[FakeRun], monkeypatch: pytest.MonkeyPatch, error: BaseException | None
) -> None:
    """Two of the eight are handed over when two seconds have passed, three with the lost seed, three at the end."""
    now, waiting = 100.0, []
    monkeypatch.setattr(time, "monotonic", lambda: now)
    with pytest.raises(type(error)) if error else nullcontext(), Tracker(Config(seeds=(7, 8))) as tracker:
        for number in range(1, 9):
            now += 2.5 if number == 2 else 0.1
            tracker.log(iteration(True, number < 5, step=number))
            waiting.append(number - len(started[0].rows))
        if error:
            raise error
    assert waiting == [1, 0, 1, 2, 0, 1, 2, 3]
    assert [steps(run) for run in started] == [[*range(1, 9)], [*range(1, 6)]]
    assert tracker.lost == [8]


@pytest.mark.parametrize("early", [True, False])
def test_runs_are_finished_and_no_row_is_repeated_even_if_wandb_fails_over_one(
    started: list[FakeRun], early: bool
) -> None:
    def broken(_: object) -> None:
        raise OSError("no space left on device")

    def train() -> None:
        with Tracker(Config(seeds=(7, 8))) as tracker:
            tracker.log(iteration(step=1))
            started[1].log = broken
            if early:
                tracker.write()

    with pytest.raises(OSError, match="no space"):
        train()
    assert steps(started[0]) == [1]
    assert [run.exit_codes for run in started] == [[1], [1]]


def test_runs_that_are_gone_on_with_keep_their_ids(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, object]] = []
    monkeypatch.setattr(wandb, "init", lambda **settings: asked.append(settings) or FakeRun())
    with Tracker(Config(seeds=(1, 2)), {1: "abc", 2: "xyz"}), Tracker(Config(seeds=(1,))):
        pass
    assert [(settings["id"], settings["resume"]) for settings in asked] == [
        ("abc", "allow"), ("xyz", "allow"), (None, None),
    ]  # fmt: skip


def test_nothing_is_running_when_all_are_lost(started: list[FakeRun]) -> None:
    with Tracker(Config(seeds=(7, 8))) as tracker:
        tracker.log(iteration(False, False))
        assert not tracker.running


def test_a_run_that_cannot_start_ends_those_that_did(monkeypatch: pytest.MonkeyPatch) -> None:
    first = FakeRun()
    answers = iter([first])

    def init(**_: object) -> FakeRun:
        for run in answers:
            return run
        raise wandb.errors.UsageError("No API key configured.")

    monkeypatch.setattr(wandb, "init", init)
    with (
        pytest.raises(ConfigError, match=r"key configured\. Or set WANDB_MODE=offline"),
        Tracker(Config(seeds=(1, 2))),
    ):
        pass
    assert first.exit_codes == [1]


def test_where_says_it_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_MODE", "disabled")
    with Tracker(Config()) as tracker:
        assert "disabled" in tracker.where
