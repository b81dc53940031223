"""Several rlops on one store, and an rlops that dies: no cell is lost, none is trained twice."""

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rlops.launch import Board, Interrupts
from rlops.launch.cell_group import group_cells
from tests.launch.dummies import HOLDER, Project, alive, eventually, executor, start_run
from tests.launch.dummies import write_benchmark as write


@contextmanager
def held_elsewhere(locks: list[Path]) -> Iterator[subprocess.Popen[bytes]]:
    """As if another rlops trained the cells of these locks."""
    for lock in locks:
        lock.parent.mkdir(parents=True, exist_ok=True)
    holder = subprocess.Popen(
        [sys.executable, "-I", "-c", HOLDER, *map(str, locks)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert holder.stdin is not None
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"
    try:
        yield holder
    finally:
        holder.stdin.close()
        holder.wait()
        holder.stdout.close()


def test_two_at_once_train_each_cell_once(project: Project) -> None:
    write(project, "mark=here", "wait=go", seeds="1-6")
    both = [start_run(project), start_run(project)]
    for child in both:
        child.wait_until(lambda child=child: "started" in child.output, "it is at it")  # type: ignore[misc]
    project.touch("go")
    assert [child.end() for child in both] == [0, 0], [child.output for child in both]
    assert project.starts() == {f"A-v1 {seed}": 1 for seed in range(1, 7)}
    trained = [int(child.output.rpartition(" cells trained, ")[0].rpartition("\n")[2]) for child in both]
    assert sum(trained) == 6, "each says what it trained itself"


def test_the_supervisor_of_a_killed_rlops_finishes_its_cell_and_the_next_call_waits_for_it(project: Project) -> None:
    write(project, "mark=here", "wait@1=go", seeds="1-2")
    first = start_run(project)
    first.wait_until(lambda: project.has("here.A-v1.1") and project.has("here.A-v1.2"), "both cells run")
    first.process.kill()
    first.end()
    second = start_run(project)
    second.wait_until(lambda: "started  A-v1 seed 1\n" in second.output, "it tries the cell that runs")
    project.touch("go")
    assert second.end() == 0, second.output
    assert project.starts() == {"A-v1 1": 1, "A-v1 2": 1}
    assert "0 cells trained, 2 were known" in second.output


def test_the_next_call_may_come_when_all_is_over(project: Project) -> None:
    write(project, "mark=here", "wait=go")
    first = start_run(project, "--seeds", "1")
    first.wait_until(lambda: project.has("here.A-v1.1"), "the cell runs")
    first.process.kill()
    first.end()
    project.touch("go")
    eventually(lambda: list(project.cells.glob("*/*/done.json")), "the supervisor finishes the cell")
    second = start_run(project, "--seeds", "1")
    assert second.end() == 0
    assert "0 cells trained, 1 were known" in second.output
    assert project.starts() == {"A-v1 1": 1}


def test_a_cell_that_somebody_else_trains_is_left_alone_and_trained_when_it_comes_free(project: Project) -> None:
    grid = project.grid(project.benchmark(), (1, 2))
    (one, _) = group_cells({grid: grid.cells}, project.cells, 2)
    one.folder.mkdir(parents=True)
    (one.folder / "cell.json").write_text("theirs")
    (one.folder / "stdout.log").write_text("theirs")
    with held_elsewhere(one.locks()) as holder:
        seen = []

        def release(board: Board) -> None:
            if board.elsewhere and board.trained:
                seen.append([group.label for group in board.elsewhere])
                assert (one.folder / "cell.json").read_text() == "theirs"
                assert (one.folder / "stdout.log").read_text() == "theirs"
                assert holder.stdin is not None
                holder.stdin.close()

        board = project.fill(project.benchmark(), (1, 2), changed=release)
    assert seen[0] == ["A-v1 seed 1"]
    assert (board.trained, board.elsewhere) == (2, [])
    assert project.starts() == {"A-v1 1": 1, "A-v1 2": 1}


def test_a_cell_trained_in_another_group_meanwhile_is_not_trained_again(project: Project) -> None:
    """Seeds 1-3 and 3-4 overlap; when the second call gets to its groups, the first has trained seed 3."""
    benchmark = project.benchmark(many=True)
    ran = []

    def other_rlops(board: Board) -> None:
        if not ran:
            ran.append(project.fill(benchmark, (1, 2, 3), slots=1))

    board = project.fill(benchmark, (3, 4), slots=1, changed=other_rlops)
    assert ran[0].trained == 3
    assert (board.trained, board.known) == (1, 1)
    assert project.starts() == {"A-v1 1-3": 1, "A-v1 4": 1}


def test_a_cell_trained_by_another_call_meanwhile_is_known_not_trained(project: Project) -> None:
    ran = []

    def other_rlops(board: Board) -> None:
        if not ran:
            ran.append(project.fill(project.benchmark("exit=3"), (1,)))

    board = project.fill(project.benchmark("exit=3"), (1,), changed=other_rlops)
    assert (board.trained, board.known) == (0, 1)
    assert project.starts() == {"A-v1 1": 1}


def test_who_is_stopped_while_somebody_else_trains_leaves_at_once(project: Project) -> None:
    grid = project.grid(project.benchmark(), (1,))
    (group,) = group_cells({grid: grid.cells}, project.cells, 1)
    interrupts = Interrupts()

    def stop(board: Board) -> None:
        if board.elsewhere:
            interrupts.keyboard = 1

    with held_elsewhere(group.locks()):
        board = project.fill(project.benchmark(), (1,), interrupts=interrupts, changed=stop)
    assert (board.trained, len(board.elsewhere)) == (0, 1)
    assert project.starts() == Counter()


def test_a_killed_supervisor_is_noticed_and_its_trainer_is_not_doubled(project: Project) -> None:
    """The trainer holds the locks on: who comes next waits for its end, then trains the cell again."""
    benchmark = project.benchmark("mark=here", "wait=go")
    runner = executor(1)

    def kill_supervisor(board: Board) -> None:
        if board.running and len(project.pids()) < 2:
            eventually(lambda: project.has("here.A-v1.1"), "the trainer runs")
            (process,) = runner._running.values()
            process.kill()

    from rlops.launch import fill

    grid = project.grid(benchmark, (1,))
    board = fill([grid], project.cells, runner, Interrupts(), kill_supervisor)
    assert [failure.why for failure in board.failures] == ["stopped from outside; the same command trains it again"]
    (pid,) = project.pids()
    assert alive(pid)
    together = []

    def watch(board: Board) -> None:
        together.append(sum(map(alive, project.pids())))
        if board.elsewhere:
            project.touch("go")

    board = project.fill(benchmark, (1,), changed=watch)
    assert (board.trained, board.failures) == (1, [])
    assert project.has("go"), "it waited for the trainer that was there"
    assert max(together) == 1
    assert project.starts() == {"A-v1 1": 2}


def test_two_supervisors_of_one_cell(project: Project) -> None:
    """Straight at the executor: the second finds the cell busy, and done afterwards."""
    from rlops.launch.executor import Ending

    grid = project.grid(project.benchmark("mark=here", "wait=go"), (1,))
    runner = executor(2)
    ends = []
    one, two, three = (group_cells({grid: grid.cells}, project.cells, 1)[0] for _ in range(3))
    runner.submit(one)
    eventually(lambda: project.has("here.A-v1.1"), "the first trains")
    runner.submit(two)
    eventually(lambda: ends.append(runner.poll(two)) or ends[-1], "the second ends")
    assert ends[-1] is Ending.BUSY
    project.touch("go")
    eventually(lambda: ends.append(runner.poll(one)) or ends[-1], "the first ends")
    assert ends[-1] is Ending.ENDED
    runner.submit(three)
    eventually(lambda: ends.append(runner.poll(three)) or ends[-1], "the third ends")
    assert ends[-1] is Ending.BUSY
    assert project.starts() == {"A-v1 1": 1}
    assert (one.folder / "done.json").exists()
