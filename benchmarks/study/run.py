"""`make study`: can the gate find real bugs? docs/study.md says what came of it.

Trains the pools of every mutant (hours; what is trained stays in .rlops and is never trained again), judges draws from
them, and writes docs/study.json and the tables of docs/study.md. The same command goes on after an interruption. On
machines that share no store: `python -m benchmarks.study.run --shard 1/4` on the first of four, then `rlops pull
dir:STORE` for each of them, then without --shard.
"""

import argparse
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict
from datetime import UTC, datetime
from multiprocessing import get_context

from benchmarks.study.figures import read_figures, write_figures
from benchmarks.study.identical import KEEPING, gated
from benchmarks.study.judged import JUDGING, Judged, judged
from benchmarks.study.page import write_pages
from benchmarks.study.pools import Pool, benchmark, fill_pools, is_trained, pool, pool_grid
from benchmarks.study.publish import publish
from benchmarks.study.versions import BENCHMARK_FILES, MUTANTS, UNCHANGED, commit_of
from rlops.cli.progress import watching
from rlops.launch import cores
from rlops.plan import Shard


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shard", type=Shard.parse, help="only train one of N parts: 1/4 .. 4/4")
    parser.add_argument(
        "--benchmark", choices=tuple(BENCHMARK_FILES), action="append", help="default: all, one after the other"
    )
    options = parser.parse_args()
    for name in options.benchmark or BENCHMARK_FILES:
        with watching(quiet=False) as watchers:
            fill_pools(name, options.shard or Shard(1, 1), watchers)
        if options.shard is None:
            judge(name)


def judge(name: str) -> None:
    """Judges what is trained, and writes the figures and the pages."""
    asked = benchmark(name)
    if not is_trained(pool_grid(UNCHANGED, asked)):
        sys.exit(f"{name}: the unchanged code is not trained yet; `make study` trains it")
    unchanged = pool(UNCHANGED, name)
    found = {
        "on": datetime.now(UTC).date().isoformat(),
        "machine": f"{cores()} cores, {unchanged.runs.provenance['machine']}",
        "unchanged": commit_of(UNCHANGED),
        "judge": JUDGING,
        "budget": asked.budget,
        "alpha": asked.policy.alpha,
        "mutants": [asdict(one) for one in _judged(name)],
        "identical": list(_identical(unchanged)),
    }
    write_figures({**read_figures(), name: found})
    write_pages()
    publish(name)


def _judged(name: str) -> list[Judged]:
    """Every mutant, as many at once as there are cores."""
    os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1"))  # for those that are spawned
    found: dict[str, Judged] = {}
    with ProcessPoolExecutor(cores(), get_context("spawn")) as workers:
        waiting = {workers.submit(judged, mutant, name): mutant for mutant in MUTANTS}
        for done in as_completed(waiting):
            one = done.result()
            mutant = waiting[done].name
            if one is None:
                print(f"{name}: {mutant} is not trained yet", flush=True)
                continue
            found[mutant] = one
            words = ", ".join(f"{word} {share:.1%}" for word, share in one.gate.words.items()) or "the same bits"
            print(f"{name}: {mutant}: loses {one.margins:.2f} margins; {words}", flush=True)
    return [found[mutant.name] for mutant in MUTANTS if mutant.name in found]


def _identical(unchanged: Pool) -> Iterator[dict[str, object]]:
    asked = unchanged.grid.benchmark
    for mutant in KEEPING:
        if is_trained(pool_grid(mutant, asked)):
            yield asdict(gated(mutant, unchanged, pool(mutant, asked.name)))


if __name__ == "__main__":
    main()
