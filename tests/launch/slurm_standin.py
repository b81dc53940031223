"""sbatch, srun, sacct and scancel of a cluster without any rule, as far as submitit calls them: one file, four names.

Its jobs lie beside the folder it is called from: `jobs/ID/script`, `pid` once it runs, `state` where a test says what
became of it, `cancelled` with a line a scancel. A job is started at once unless there is a file `jobs/full`.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

JOBS = Path(__file__).resolve().parent.parent / "jobs"


def sbatch(script: str) -> None:
    text = Path(script).read_text()
    if "--partition=nowhere" in text:
        sys.exit("sbatch: error: invalid partition specified: nowhere")
    number = str(time.time_ns() // 1000)
    job = JOBS / number
    job.mkdir()
    (job / "script").write_text(text)
    if not (JOBS / "full").exists():
        devices = {"CUDA_VISIBLE_DEVICES": "3"} if "--gres=gpu:1" in text else {}
        started = subprocess.Popen(
            ["bash", str(job / "script")],
            env={**os.environ, **devices, "SLURM_JOB_ID": number},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        (job / "pid").write_text(str(started.pid))
    print(f"Submitted batch job {number}")


def srun(*arguments: str) -> None:
    place = arguments.index("--output") + 1
    command = arguments[place + 1 :]
    while command[0].startswith("--"):
        command = command[1:]
    path = arguments[place].replace("%j", os.environ["SLURM_JOB_ID"]).replace("%t", "0")
    os.dup2(os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY), 1)
    os.dup2(1, 2)
    os.execvp(command[0], command)  # noqa: S606  (srun becomes the command)


def sacct(*arguments: str) -> None:
    print("JobID|State|NodeList")
    for number in arguments:
        if (JOBS / number).is_dir():
            print(f"{number}|{state(JOBS / number)}|node1")


def state(job: Path) -> str:
    if (job / "state").exists():
        return (job / "state").read_text()
    if not (job / "pid").exists():
        return "PENDING"
    try:
        status = Path(f"/proc/{(job / 'pid').read_text()}/stat").read_text()
    except OSError:
        return "COMPLETED"
    return "COMPLETED" if status.rpartition(")")[2].split()[0] in "ZX" else "RUNNING"


def scancel(number: str) -> None:
    job = JOBS / number
    with (job / "cancelled").open("a") as file:
        file.write("asked\n")
    if (job / "pid").exists():
        os.killpg(int((job / "pid").read_text()), signal.SIGTERM)
    else:
        (job / "state").write_text("CANCELLED by 1000")


if __name__ == "__main__":
    {"sbatch": sbatch, "srun": srun, "sacct": sacct, "scancel": scancel}[Path(sys.argv[0]).name](*sys.argv[1:])
