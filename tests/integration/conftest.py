from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.wandb_standin.bench import Bench
from tests.integration.wandb_standin.server import standin


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Bench]:
    with standin() as server:
        yield Bench(server, tmp_path)
