import time
from dataclasses import replace

import numpy as np
import pytest

from ppo_impl.config import Config
from ppo_impl.ppo import Iteration
from ppo_impl.progress import Progress

CONFIG = Config(seeds=(1, 2), total_timesteps=5_120)


def iteration(step: int, *returns: float) -> Iteration:
    returns_S = np.array(returns)
    return Iteration(step, {"update": 0.1}, 0.0, returns_S, returns_S, {}, np.array([True, True]))


def test_lines_are_plain_throttled_and_end_with_the_last(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    progress = Progress(CONFIG)
    for step, returns in enumerate([(np.nan, np.nan), (10.0, np.nan), (np.nan, 20.0), (30.0, np.nan)], start=1):
        now += 1.0
        progress.show(iteration(512 * step, *returns))
    now += 0.5
    progress.show(iteration(5_120, np.nan, np.nan))
    assert capsys.readouterr().out.splitlines() == [
        "CartPole-v1: step 1,024 of 5,120; mean return 10.0 (1 seed); 1,024 steps/s",
        "CartPole-v1: step 2,048 of 5,120; mean return 25.0 (2 seeds); 1,024 steps/s",
        "CartPole-v1: step 5,120 of 5,120; mean return 25.0 (2 seeds); 12,288 steps/s",
    ]


def test_a_return_may_be_unknown(capsys: pytest.CaptureFixture[str]) -> None:
    Progress(replace(CONFIG, total_timesteps=512)).show(iteration(512, np.nan, np.nan))
    assert "mean return unknown yet" in capsys.readouterr().out


def test_a_training_that_goes_on_is_as_fast_as_it_is_now(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The steps done before took no time of this process."""
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    progress = Progress(CONFIG, step=1_024)
    now += 4.0
    progress.show(iteration(2_048, 1.0, 3.0))
    told = "CartPole-v1: step 2,048 of 5,120; mean return 2.0 (2 seeds); 512 steps/s"
    assert capsys.readouterr().out.splitlines() == [told]
