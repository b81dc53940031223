"""Ctrl-C once, twice, and SIGTERM, sent to a real `python -m rlops run`."""

import os
import signal
import time

from tests.launch.dummies import Project, alive, eventually, start_run, write_benchmark


def done(project: Project) -> int:
    return len(list(project.cells.glob("*/*/done.json")))


def test_ctrl_c_once_lets_running_cells_end_and_starts_no_more(project: Project) -> None:
    write_benchmark(project, "polite", "mark=here", "wait=go", seeds="1-60")
    child = start_run(project)
    running = len(os.sched_getaffinity(0))
    child.wait_until(lambda: len(list(project.root.glob("here.*"))) == min(60, running), "all slots are taken")
    # To the whole process group, as the terminal does: supervisors and trainers are in groups of their own.
    os.killpg(child.process.pid, signal.SIGINT)
    assert all(os.getpgid(pid) == pid for pid in project.pids())
    eventually(lambda: not _pending(child.process.pid, signal.SIGINT), "it is delivered")
    time.sleep(0.5)  # room for a wrong reaction; the right one needs none
    assert not list(project.root.glob("asked.*"))
    project.touch("go")
    assert child.end() == 130, child.output
    assert "the same command resumes" in child.output
    assert "Traceback" not in child.output
    assert done(project) == len(project.pids()) == min(60, running)


def test_and_the_same_command_goes_on(project: Project) -> None:
    write_benchmark(project, "mark=here", "wait@1=go", seeds="1-2")
    child = start_run(project)
    child.wait_until(lambda: project.has("here.A-v1.1"), "the first cell runs")
    child.process.send_signal(signal.SIGINT)
    project.touch("go")
    assert child.end() == 130
    again = start_run(project)
    assert again.end() == 0, again.output
    assert project.starts() == {"A-v1 1": 1, "A-v1 2": 1}


def test_ctrl_c_twice_stops_what_runs(project: Project) -> None:
    write_benchmark(project, "polite", "mark=here", "wait=never")
    child = start_run(project, "--seeds", "1")
    child.wait_until(lambda: project.has("here.A-v1.1"), "the cell runs")
    child.process.send_signal(signal.SIGINT)
    eventually(lambda: not _pending(child.process.pid, signal.SIGINT), "the first is delivered")
    child.process.send_signal(signal.SIGINT)
    assert child.end() == 130, child.output
    (pid,) = project.pids()
    eventually(lambda: not alive(pid), "the trainer is stopped")
    assert project.has("asked.A-v1.1"), "by SIGTERM first"
    assert done(project) == 0
    assert "failed" not in child.output, "who stops a cell need not be told that it was stopped"


def test_sigterm_stops_what_runs(project: Project) -> None:
    write_benchmark(project, "polite", "mark=here", "wait=never")
    child = start_run(project, "--seeds", "1")
    child.wait_until(lambda: project.has("here.A-v1.1"), "the cell runs")
    child.process.terminate()
    assert child.end() == 143, child.output
    (pid,) = project.pids()
    assert not alive(pid)
    assert project.has("asked.A-v1.1")
    assert done(project) == 0


def test_sigterm_kills_after_the_grace_who_does_not_listen(project: Project) -> None:
    write_benchmark(project, "deaf", "fork=pid", "mark=here", "wait=never")
    path = project.root / "benchmarks" / "bench.toml"
    path.write_text(path.read_text().replace("grace_seconds = 20", "grace_seconds = 0.1"))
    child = start_run(project, "--seeds", "1")
    child.wait_until(lambda: project.has("here.A-v1.1"), "the cell runs")
    child.process.terminate()
    assert child.end() == 143, child.output
    forked = int((project.root / "pid").read_text())
    eventually(lambda: not alive(project.pids()[0]) and not alive(forked), "trainer and child are dead")


def _pending(pid: int, number: signal.Signals) -> bool:
    """Has the signal been sent and not yet been taken?"""
    with open(f"/proc/{pid}/status") as file:
        (mask,) = [line.split()[1] for line in file if line.startswith("ShdPnd")]
    return bool(int(mask, 16) & 1 << (number - 1))
