"""MuJoCo comes with the extra `mujoco`."""

import numpy as np
import pytest

from ppo_impl.config import Config
from ppo_impl.ppo import Trainer


@pytest.mark.filterwarnings("ignore:.*out of date:DeprecationWarning")
def test_a_mujoco_task_is_trained_with_normalised_observations(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)  # MuJoCo leaves its log where it runs
    config = Config(env_id="InvertedPendulum-v5", seeds=(1, 2), num_envs=2, num_steps=64, num_minibatches=4)
    trainer = Trainer(config)
    for _ in range(3):
        iteration = trainer.iterate()
    assert iteration.finite_S.all()
    assert (iteration.episodic_return_S >= 1).all()
    assert np.isclose(trainer.state()["environments.observations.count"], 1e-4 + 2 * (3 * 64 + 1)).all()
