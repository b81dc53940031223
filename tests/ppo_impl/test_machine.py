import subprocess
import sys

from sandbox import ROOT, Sandbox

SCRIPT = """
import numpy, torch
from threadpoolctl import threadpool_info
from ppo_impl.machine import settle
settle()
print({torch.get_num_threads(), *(pool["num_threads"] for pool in threadpool_info())})
"""


def test_arithmetic_takes_one_thread_whatever_was_asked_for(sandbox: Sandbox) -> None:
    environment = sandbox.environment(OMP_NUM_THREADS="2", OPENBLAS_NUM_THREADS="2")
    told = subprocess.run([sys.executable, "-c", SCRIPT], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert (told.stdout, told.stderr) == ("{1}\n", "")
