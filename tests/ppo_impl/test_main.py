import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from sandbox import ROOT, Sandbox

from ppo_impl.__main__ import FAILED, OK, USAGE, StopRequest, main
from ppo_impl.checkpoint import NAME

TINY = ["--num-envs", "2", "--num-steps", "12", "--num-minibatches", "2", "--update-epochs", "2"]


pytestmark = pytest.mark.usefixtures("signal_handlers")


def test_training_records_one_run_per_seed_offline_by_default(sandbox: Sandbox) -> None:
    arguments = ["--env-id", "probes:Identity-v0", "--seeds", "3,5", "--total-timesteps", "150", *TINY]
    ended = sandbox.train(*arguments, WANDB_RUN_GROUP="cells", WANDB_TAGS="pr-1,x")
    assert (ended.code, ended.errors) == (OK, "")
    assert f"training 2 seeds with {ROOT / 'ppo_impl'}" in ended.output
    assert "step 144 of 144" in ended.output.splitlines()[-1]
    runs = sandbox.runs()
    assert set(runs) == {3, 5}
    for seed, run in runs.items():
        assert run.exit_code == 0
        assert (run.config["env_id"], run.config["exp_name"], run.config["seed"]) == ("probes:Identity-v0", "ppo", seed)
        assert (run.config["num_steps"], run.config["learning_rate"], run.config["gamma"]) == (12, 2.5e-4, 0.99)
        assert run.step_metrics == {"*": "global_step"}
        assert (run.group, run.tags) == ("cells", ["pr-1", "x"])
        assert run.curve("global_step") == [24, 48, 72, 96, 120, 144]
        assert set(run.rows[0]) - {"_runtime", "_step", "_timestamp"} == {
            "global_step", "charts/episodic_return", "charts/episodic_length", "charts/SPS", "charts/learning_rate",
            "losses/value_loss", "losses/policy_loss", "losses/entropy", "losses/approx_kl", "losses/old_approx_kl",
            "losses/clipfrac", "losses/explained_variance",
        }  # fmt: skip
    returns, losses = ({tuple(run.curve(key)) for run in runs.values()} for key in NOT_CONSTANT)
    assert len(returns) == len(losses) == 2


NOT_CONSTANT = ("charts/episodic_return", "losses/value_loss")


def test_disabled_means_that_nothing_is_written(sandbox: Sandbox) -> None:
    ended = sandbox.train("--env-id", "probes:Identity-v0", "--total-timesteps", "24", *TINY, WANDB_MODE="disabled")
    assert (ended.code, ended.errors) == (OK, "")
    assert not list(sandbox.path.rglob("*.wandb"))


@pytest.mark.parametrize(("number", "to_group"), [(signal.SIGTERM, True), (signal.SIGINT, False)])
def test_a_signal_ends_it_in_order(sandbox: Sandbox, number: signal.Signals, to_group: bool) -> None:
    child = sandbox.start("--env-id", "CartPole-v1", "--seeds", "1-2", "--total-timesteps", "100000000")
    assert child.stdout is not None
    while "step" not in child.stdout.readline():
        assert child.poll() is None
    # A launcher signals the whole process group, wandb's own process included.
    (os.killpg if to_group else os.kill)(child.pid, number)
    _, errors = child.communicate(timeout=30)
    assert child.returncode == 128 + number
    assert errors == f"ppo_impl: stopped by {number.name}\n"
    for run in sandbox.runs().values():
        assert run.exit_code == 128 + number
        assert len(run.rows) > 1


def test_the_first_signal_is_noted_and_the_second_obeyed_at_once() -> None:
    stop = StopRequest()
    stop.obey()
    os.kill(os.getpid(), signal.SIGTERM)
    with pytest.raises(SystemExit) as caught:
        os.kill(os.getpid(), signal.SIGINT)
    assert caught.value.code == 143
    with pytest.raises(SystemExit):
        stop.obey()


def test_a_seed_lost_to_nan_fails_alone_and_is_named(sandbox: Sandbox) -> None:
    arguments = ["--env-id", "probes:Poisoned-v0", "--seeds", "5,6", "--total-timesteps", "72", *TINY]
    ended = sandbox.train(*arguments)
    assert ended.code == FAILED
    assert ended.errors == "ppo_impl: seed 6: losses or parameters became NaN or infinite; not trained\n"
    runs = sandbox.runs()
    assert [runs[5].exit_code, runs[6].exit_code] == [0, 1]
    assert [runs[5].curve("global_step"), runs[6].curve("global_step")] == [[24, 48, 72], [24]]


def test_a_crash_ends_every_run_as_failed(sandbox: Sandbox) -> None:
    ended = sandbox.train("--env-id", "probes:Crashing-v0", "--seeds", "1-2", *TINY)
    assert ended.code == FAILED
    assert "RuntimeError: the probe crashed, as it should" in ended.errors
    assert [run.exit_code for run in sandbox.runs().values()] == [1, 1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--nonsense 3", "unrecognized arguments: --nonsense 3"),
        ("--num-envs 0", "--num-envs 0"),
        ("--seeds 1,1", "--seeds: 1 given more than once"),
        ("--env-id CartPol-v1", "Did you mean"),
        ("--env-id FrozenLake-v1", "only a flat Box"),
        ("--checkpoint-dir {file}", "--checkpoint-dir {file}: cannot write there"),
        ("--checkpoint-dir {file}/below", "--checkpoint-dir {file}/below: cannot write there"),
        ("--checkpoint-dir /proc/self/fd", "--checkpoint-dir /proc/self/fd: cannot write there"),
        ("--profile {file}/p.svg", "--profile {file}/p.svg: cannot write there"),
        ("--profile {folder}", "--profile {folder}: is a directory"),
        ("--checkpoint-dir {torn}", "{torn}/checkpoint.npz is not a checkpoint"),
        ("--env-id probes:Legacy-v0 --checkpoint-dir {folder}", "only numpy's PCG64"),
    ],
)
def test_wrong_usage_is_told_on_stderr(
    arguments: str,
    message: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Before anything is trained or recorded."""
    monkeypatch.setattr("wandb.init", lambda **_: pytest.fail("started a run"))
    places = {name: tmp_path / name for name in ("file", "folder", "torn")}
    for folder in ("folder", "torn"):
        places[folder].mkdir()
    for file in (places["file"], places["torn"] / NAME):
        file.write_bytes(b"")
    assert main(arguments.format(**places).split()) == USAGE
    told = capsys.readouterr()
    assert "recorded" not in told.out
    assert told.err.startswith("ppo_impl: ")
    assert message.format(**places) in told.err


def test_an_unknown_wandb_mode_is_wrong_usage(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANDB_MODE", "ofline")
    assert main([]) == USAGE
    assert "WANDB_MODE=ofline" in capsys.readouterr().err


def test_online_without_a_key_asks_nobody(sandbox: Sandbox) -> None:
    ended = sandbox.train(
        "--env-id", "probes:Identity-v0", *TINY, WANDB_MODE="online", WANDB_BASE_URL="http://127.0.0.1:9"
    )
    assert ended.code == USAGE
    assert "WANDB_MODE=offline" in ended.errors


def test_help_and_usage_errors_do_without_torch(sandbox: Sandbox) -> None:
    script = (
        "import sys; from ppo_impl.__main__ import main; code = main(['--seeds', 'x']); "
        "print({'torch', 'wandb', 'gymnasium'} & set(sys.modules)); sys.exit(code)"
    )
    child = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=sandbox.environment(), capture_output=True, text=True, check=False
    )
    assert (child.returncode, child.stdout) == (USAGE, "set()\n")
