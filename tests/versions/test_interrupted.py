"""A gate that is interrupted, killed or runs twice at once: nothing finished is lost, nothing is trained twice."""

import json
import os
import signal
import subprocess
import sys
from collections import Counter

from rlops.judge import Verdict, Word
from rlops.plan import Repository
from tests.cli.commands import child_environment
from tests.launch.dummies import eventually
from tests.versions.quick import FIRST, PROGRAM, Gate, of_kind, on_branch, trainer

KILLED_ONCE = """
mark = os.path.expanduser(f"~/killed-{seed}")
if seed in (101, 102) and not os.path.exists(mark):
    open(mark, "w").close()
    os.kill(os.getpid(), 9)
"""
WAIT = """
import time
open(os.path.expanduser(f"~/here-{seed}-{os.path.basename(os.getcwd())}"), "w").close()
while not os.path.exists(os.path.expanduser("~/go")):
    time.sleep(0.01)
"""


class Child:
    """`rlops gate own --base main` in a process of its own, that can be interrupted."""

    def __init__(self, gate: Gate) -> None:
        repository = gate.repository
        self.home = repository.root.parent
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, "gate", "own", "--base", "main", "--json"],
            cwd=repository.root, env={**child_environment(self.home), "GIT_CONFIG_NOSYSTEM": "1"},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            start_new_session=True,
        )  # fmt: skip

    def wait_until(self, count: int) -> None:
        """Until so many trainers are at it."""

        def there() -> bool:
            return len(list(self.home.glob("here-*"))) >= count

        eventually(lambda: there() or self.process.poll() is not None, f"{count} trainers")
        assert there(), self.process.communicate()

    def go(self) -> None:
        (self.home / "go").touch()

    def end(self) -> tuple[int, str, str]:
        out, err = self.process.communicate(timeout=120)
        return self.process.returncode, out, err


CORES = len(os.sched_getaffinity(0))


class TestInterrupted:
    def finishes(self, gate: Gate) -> Verdict:
        verdict, _ = gate("branch")
        assert verdict.verdict is Word.IDENTICAL
        return verdict

    def test_by_ctrl_c_lets_the_running_end_and_the_same_command_resumes(self, one: Gate) -> None:
        one.repository.commit("wait", **{"train.py": trainer(before=WAIT)})
        on_branch(one, trainer(before=WAIT) + "\n")
        child = Child(one)
        child.wait_until(min(CORES, 2 * FIRST))
        child.process.send_signal(signal.SIGINT)
        child.go()
        code, out, err = child.end()
        assert (code, out) == (130, ""), err
        finished = len(one.repository.starts)
        assert finished == min(CORES, 2 * FIRST)
        verdict = self.finishes(one)
        assert len(one.repository.starts) == 2 * FIRST
        assert verdict.cost.cells_known == finished

    def test_by_sigterm_stops_the_running_and_the_same_command_resumes(self, one: Gate) -> None:
        one.repository.commit("wait", **{"train.py": trainer(before=WAIT)})
        on_branch(one, trainer(before=WAIT) + "\n")
        child = Child(one)
        child.wait_until(min(CORES, 2 * FIRST))
        child.process.send_signal(signal.SIGTERM)
        code, out, err = child.end()
        assert (code, out) == (143, ""), err
        lost = len(one.repository.starts)
        child.go()
        verdict = self.finishes(one)
        assert (verdict.cost.cells_known, len(one.repository.starts)) == (0, lost + 2 * FIRST)

    def test_cells_killed_once_are_trained_again_by_the_next_step_or_call(self, one: Gate) -> None:
        one.repository.commit("killed", **{"train.py": trainer()})
        on_branch(one, trainer(before=KILLED_ONCE))
        verdict, _ = one("branch")
        again, started = one("branch")
        assert (verdict.verdict, again.verdict, started) == (Word.IDENTICAL, Word.IDENTICAL, 0)

    def test_a_cell_killed_every_time_fails_the_gate(self, one: Gate) -> None:
        on_branch(one, trainer(before="if seed == 101: os.kill(os.getpid(), 9)"))
        verdict, _ = one("branch")
        assert (verdict.verdict, verdict.exit_code) == (Word.FAILED, 4)
        assert any("killed by SIGKILL" in failure.why for failure in verdict.failures)
        (missing,) = of_kind(verdict, "missing-seeds")
        assert missing.seeds == (101,)


class TestAtOnce:
    def test_two_gates_of_one_branch_train_every_cell_once(self, one: Gate) -> None:
        one.repository.commit("wait", **{"train.py": trainer(before=WAIT)})
        on_branch(one, trainer(before=WAIT) + "\n")
        both = [Child(one), Child(one)]
        both[0].wait_until(min(CORES, 2 * FIRST))
        both[0].go()
        ended = [child.end() for child in both]
        assert [code for code, *_ in ended] == [0, 0], ended
        assert Counter(Counter(one.repository.starts).values()) == {1: 2 * FIRST}
        assert {json.loads(out)["data_sha256"] for _, out, _ in ended} == {json.loads(ended[0][1])["data_sha256"]}

    def test_another_rlops_leaves_the_worktree_alone_in_which_this_one_trains(self, one: Gate) -> None:
        """The trainer writes into a tracked file that is not code: a results table, a log."""
        untidy = trainer(before=f"open('results.csv', 'a').write('x')\n{WAIT}", after="open('model', 'w').close()")
        one.repository.commit("untidy", **{"train.py": untidy, "results.csv": "step,score\n"})
        commit = on_branch(one, untidy + "\n")
        child = Child(one)
        child.wait_until(min(CORES, 2 * FIRST))
        for ref in ("main", commit):  # what every gate or compare begins with
            found = Repository.around(one.repository.root)
            found.worktree(found.commit(ref), one.store / "worktrees")
        child.go()
        code, _, err = child.end()
        assert code == 0, err
