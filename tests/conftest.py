"""What every test gets: no variable of the user's shell decides anything."""

import os
import signal
from pathlib import Path

import pytest
from hypothesis import settings

# No test asserts a time, and none may fail today on a case it did not try yesterday.
settings.register_profile("rlops", deadline=None, derandomize=True)
settings.load_profile("rlops")

# A shell that starts this in the background has its children ignore Ctrl-C, and they theirs: here some are sent one.
signal.signal(signal.SIGINT, signal.default_int_handler)

DECIDING = ("WANDB_", "RLOPS_", "PYTHONPATH", "ATEN_CPU_CAPABILITY", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
ASKED_FOR = {"RLOPS_REAL_DATA", "RLOPS_NO_SKIPS", "RLOPS_RENEW_GOLD"}
ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def account_of_the_user() -> dict[str, str]:
    """The W&B account that the user's shell names, for tests marked `live`; no other test sees it."""
    account = {name: os.environ[name] for name in os.environ if name.startswith("WANDB_")}
    if "WANDB_ENTITY" not in account:
        pytest.fail("tests marked live write to W&B: say to whose account with WANDB_ENTITY")
    return account


@pytest.fixture(autouse=True)
def _hermetic(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(DECIDING) and name not in ASKED_FOR:
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of other projects' learning curves; tests that need it are skipped where it is not set."""
    if "RLOPS_REAL_DATA" not in os.environ:
        missing = pytest.fail if "RLOPS_NO_SKIPS" in os.environ else pytest.skip
        missing("RLOPS_REAL_DATA is not set")
    return Path(os.environ["RLOPS_REAL_DATA"]).resolve()
