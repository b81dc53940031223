"""Against W&B itself, for people who have a key: `WANDB_ENTITY=me pytest -m live tests/integration/test_live.py`.

Writes a run of 600 rows into the project rlops-live of the entity, reads it back, and removes it.
"""

import uuid
from pathlib import Path

import pytest

pytestmark = pytest.mark.live
ROWS = 600


@pytest.fixture(autouse=True)
def _account(monkeypatch: pytest.MonkeyPatch, account_of_the_user: dict[str, str]) -> None:
    """Given back: it is hidden from every other test."""
    for name, value in account_of_the_user.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def written(tmp_path_factory: pytest.TempPathFactory, account_of_the_user: dict[str, str]):
    import wandb

    entity, name = account_of_the_user["WANDB_ENTITY"], f"rlops-{uuid.uuid4().hex[:8]}"
    config = {"env_id": "Hopper-v4", "seed": 1}
    folder = tmp_path_factory.mktemp("live")
    with wandb.init(entity=entity, project="rlops-live", id=name, config=config, dir=folder) as run:
        for k in range(ROWS):
            run.log({"charts/episodic_return": k / 3, "global_step": 2048 * k})
    yield f"wandb:{entity}/rlops-live", name, folder
    wandb.Api().run(f"{entity}/rlops-live/{name}").delete()


def test_a_run_is_read_as_it_was_written(written, tmp_path: Path) -> None:
    from rlops.curves import Loader, Store, parse_reference

    project, name, folder = written
    (there,) = [
        history
        for history in Loader(Store(tmp_path)).histories(parse_reference(project))
        if history.source.endswith(f"/{name}")
    ]
    (here,) = Loader(Store(tmp_path)).histories(parse_reference(f"dir:{folder}"))
    assert (there.state, there.incomplete) == ("finished", None)
    metric = "charts/episodic_return"
    assert there.curve(metric, "global_step").sha256() == here.curve(metric, "global_step").sha256()
    again = Loader(Store(tmp_path), offline=True).histories(parse_reference(project))
    assert name in {history.source.rpartition("/")[2] for history in again}
