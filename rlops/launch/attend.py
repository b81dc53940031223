"""What an engine runs on another machine: a function that starts a group's supervisor there, and stays with it."""

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable

from rlops.launch.cell_group import CellGroup

Attend = Callable[[list[str], bytes, bool], int]


def attendant(*signals: signal.Signals) -> Attend:
    """The function: of `supervisor()` and `order()` of a group, and whether the machine says which GPUs it has.

    It returns the supervisor's exit code. KeyboardInterrupt and the `signals` make it end the training; so does the end
    of the process that it runs in. It is defined in here because engines send a nested function as code: rlops need not
    be importable on the other machine, and no folder there decides which rlops that is.
    """

    def attend(command: list[str], order: bytes, own_devices: bool) -> int:
        for number in signals:
            signal.signal(number, signal.default_int_handler)
        told = {**json.loads(order), "parent": os.getpid()}
        devices = os.environ.get("CUDA_VISIBLE_DEVICES")
        if own_devices and devices:
            told["environment"]["CUDA_VISIBLE_DEVICES"] = devices
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, start_new_session=True)
        pipe = process.stdin
        assert pipe is not None  # noqa: S101  (PIPE was asked for)
        while True:
            try:
                if not pipe.closed:
                    with contextlib.suppress(BrokenPipeError), pipe:  # killed at once: its exit code will say so
                        pipe.write(json.dumps(told).encode())
                while process.poll() is None:  # not wait(): Ray's interrupt comes between two steps of Python
                    time.sleep(0.1)
            except KeyboardInterrupt:
                process.terminate()
            else:
                return process.returncode

    return attend


def arguments(group: CellGroup) -> tuple[list[str], bytes, bool]:
    """What the function is called with; GPUs that the benchmark names go before those that the machine has."""
    own_devices = "CUDA_VISIBLE_DEVICES" not in group.grid.benchmark.variables
    return group.supervisor(), group.order(), own_devices


def note(group: CellGroup, why: str) -> None:
    """Why an engine lost a group, as the last line of its log: nobody on the other machine could write it."""
    group.folder.mkdir(parents=True, exist_ok=True)
    with group.directory.log.open("a", encoding="utf-8") as log:
        log.write(f"rlops: {why.rstrip()}\n")
