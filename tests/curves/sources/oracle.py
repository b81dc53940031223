"""The client's own reader of local files, which takes a second for each."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from rlops.curves.history import columns_of
from rlops.curves.sources.transaction_log import read_log
from rlops.curves.sources.wandb_records import read_records


def their_reading(
    file: Path, environment: Mapping[str, str]
) -> tuple[dict[str, Any], list[dict[str, Any]], int | None]:
    """Config, rows and exit code as `wandb leet inspect` has them."""
    command = [sys.executable, "-I", "-m", "wandb", "leet", "inspect", "--json", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    config, rows, exit_code = {}, [], None
    for line in filter(None, done.stdout.split("\n")):
        match json.loads(line):
            case {"type": "run", "run": run}:
                config |= run.get("config", {}).get("update", {})
            case {"type": "config", "config": change}:
                config |= change.get("update", {})
            case {"type": "history", "history": history}:
                rows.append(history["item"])
            case {"type": "exit", "exit": end}:
                exit_code = end.get("exit_code", 0)
    return config, rows, exit_code


def assert_read_alike(file: Path, environment: Mapping[str, str]) -> None:
    """Our reader finds in the file what theirs does."""
    config, rows, exit_code = their_reading(file, environment)
    found, columns = read_records(read_log(file.read_bytes())), columns_of(rows)
    assert (found.config, found.exit_code) == (config, exit_code)
    assert set(found.columns) == set(columns)
    for key, column in columns.items():
        assert np.array_equal(found.columns[key].rows, column.rows), key
        assert np.array_equal(found.columns[key].values, column.values, equal_nan=True), key
