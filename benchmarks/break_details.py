"""Does a test notice when a detail of PPO is lost? (tests/ppo_impl)

`python benchmarks/break_details.py` breaks each implementation detail in a copy of ppo_impl, one at a time, runs the
tests that ought to notice, and prints who did. A break is caught if a test's assertion fails; one that keeps tests from
running at all (an import, a fixture or the code itself raises) tells nothing, and counts as not caught.
`--only WORDS` for the entries whose detail has these words in it.

Exit codes: 0 all caught, 1 some are not, 2 the tests fail without any break.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parent.parent
COPIED = ("ppo_impl", "tests/ppo_impl", "tests/conftest.py", "pyproject.toml")
TESTS = "tests/ppo_impl"
AT_ONCE = 2
ASSERTIONS = ("assert", "AssertionError", "Failed: ")  # how the message of a failed expectation begins


@dataclass(frozen=True)
class Break:
    """One way to get one detail wrong."""

    detail: str
    what: str  # the mistake
    file: str  # under ppo_impl
    old: str  # found there exactly once
    new: str
    test: str  # under tests/ppo_impl: a file, or the id of one test; it must fail


@dataclass(frozen=True)
class Ended:
    """How some tests ended."""

    failed: bool  # a test's assertion did not hold
    passed: bool  # all of them; neither: something else went wrong
    text: str  # the name of the test that failed, or in words what happened


BREAKS = (
    Break(
        "core 1: vectorised environments", "every iteration starts new episodes", "ppo.py",
        "self.observations_SNO = segment.next_observations_SNO\n",
        "self.observations_SNO = torch.from_numpy(self.environments.reset())\n", "test_collect.py",
    ),
    Break(
        "core 1: vectorised environments", "an iteration begins with what the last one began with", "ppo.py",
        "self.observations_SNO = segment.next_observations_SNO\n", "pass\n", "test_collect.py",
    ),
    Break(
        "core 2: initialisation", "hidden layers with gain 1", "networks.py",
        "else 2**0.5", "else 1.0", "test_networks.py",
    ),
    Break(
        "core 2: initialisation", "the actor's last layer with gain 1", "networks.py",
        "initial(self.actor, 0.01, generators)", "initial(self.actor, 1.0, generators)", "test_networks.py",
    ),
    Break("core 3: Adam's epsilon", "torch's default", "ppo.py", "eps=1e-5)", "eps=1e-8)", "test_optimizer.py"),
    Break(
        "core 4: learning rate annealing", "falls a step too early", "ppo.py",
        "left = 1 - iteration / config.num_iterations", "left = 1 - (iteration + 1) / config.num_iterations",
        "test_update.py",
    ),
    Break(
        "core 5: advantage estimation", "no bootstrap at the segment's end", "ppo.py",
        "values_STN[:, 1:], next_values_SN.unsqueeze(1)]", "values_STN[:, 1:], 0 * next_values_SN.unsqueeze(1)]",
        "test_advantage.py",
    ),
    Break(
        "core 5: advantage estimation", "goes on across the end of an episode", "ppo.py",
        "going_on_STN = 1 - dones_STN", "going_on_STN = torch.ones_like(dones_STN)", "test_advantage.py",
    ),
    Break(
        "core 6: minibatches", "drawn with replacement", "ppo.py",
        "torch.randperm(samples, generator=generator)", "torch.randint(samples, (samples,), generator=generator)",
        "test_update.py",
    ),
    Break(
        "core 7: advantage normalisation", "over all seeds together", "ppo.py",
        "torch.std_mean(advantages_SB, dim=1, keepdim=True)", "torch.std_mean(advantages_SB)", "test_loss.py",
    ),
    Break(
        "core 7: advantage normalisation", "not at all", "ppo.py",
        "normalise(batch.advantages_SB)", "batch.advantages_SB", "test_loss.py",
    ),
    Break(
        "core 7: advantage normalisation", "within the whole batch, too", "ppo.py",
        "        advantages_SB=advantages_SB,\n", "        advantages_SB=normalise(advantages_SB),\n",
        "test_advantage.py",
    ),
    Break(
        "core 8: clipped surrogate", "the larger of the two", "ppo.py",
        "-torch.min(ratio_SB", "-torch.max(ratio_SB", "test_loss.py",
    ),
    Break(
        "core 9: clipped value loss", "the smaller of the two", "ppo.py",
        "torch.max(error_SB", "torch.min(error_SB", "test_loss.py",
    ),
    Break(
        "core 10: one loss", "the entropy is a cost", "ppo.py",
        "- config.ent_coef * entropy_SB", "+ config.ent_coef * entropy_SB", "test_loss.py",
    ),
    Break(
        "core 11: gradient clipping", "by the norm of all seeds together", "ppo.py",
        "vector_norm(gradient_SP, dim=1, keepdim=True)", "vector_norm(gradient_SP)", "test_update.py",
    ),
    Break(
        "core 11: gradient clipping", "not at all", "ppo.py",
        "            clip_gradient(optimizer.gradient(), config.max_grad_norm)\n", "", "test_update.py",
    ),
    Break(
        "core 12: debug variables", "k1 in place of k3", "ppo.py",
        "((ratio_XB - 1) - log_ratio_XB).mean(-1)", "(-log_ratio_XB).mean(-1)", "test_loss.py",
    ),
    Break(
        "core 13: separate networks", "the critic uses the actor's first layers", "networks.py",
        "Network(sum(self.actor.sizes), (", "Network(0, (", "test_networks.py",
    ),
    Break(
        "continuous 1: normal distributions", "means squashed by tanh", "networks.py",
        "Normal(outputs_SBP, log", "Normal(outputs_SBP.tanh(), log", "test_networks.py",
    ),
    Break(
        "continuous 2: one deviation for all states", "depends on the observation", "networks.py",
        "log_deviation_SC.unsqueeze(1))", "log_deviation_SC.unsqueeze(1) + outputs_SBP)", "test_networks.py",
    ),
    Break(
        "continuous 2: one deviation for all states", "begins at e, not at 1", "networks.py",
        "torch.zeros(len(generators), 0 if", "torch.ones(len(generators), 0 if", "test_networks.py",
    ),
    Break(
        "continuous 3: independent components", "log-densities averaged", "distributions.py",
        "0.5 * math.log(2 * math.pi)).sum(-1)", "0.5 * math.log(2 * math.pi)).mean(-1)", "test_distributions.py",
    ),
    Break(
        "continuous 4: separate 64-64 tanh networks", "a smaller critic", "networks.py",
        "64, 64, 1)", "64, 32, 1)", "test_networks.py",
    ),
    Break(
        "continuous 4: separate 64-64 tanh networks", "the kernel's first tanh left out", "kernel.py",
        "        if outputs:\n            np.tanh", "        if len(outputs) > 1:\n            np.tanh",
        "test_kernel.py",
    ),
    Break(
        "continuous 5: action clipping", "not clipped", "environments/spaces.py",
        "actions_SNC.clip(self.low_C, self.high_C)", "actions_SNC", "test_spaces.py",
    ),
    Break(
        "continuous 5: action clipping", "the agent learns from what was clipped", "ppo.py",
        "        actions_STNC[:, t] = actions_SNC\n", "        actions_STNC[:, t] = actions_SNC.clip(-2, 2)\n",
        "test_collect.py",
    ),
    Break(
        "continuous 6: observation normalisation", "statistics never learned", "environments/normalise.py",
        "self.moments.update(observations_SNO.astype(np.float64))", "pass", "test_normalise.py",
    ),
    Break(
        "continuous 7: observation clipping", "not clipped", "environments/normalise.py",
        ".clip(-LIMIT, LIMIT).astype(np.float32)", ".astype(np.float32)", "test_normalise.py",
    ),
    Break(
        "continuous 8: reward scaling", "by the spread of rewards, not of returns", "environments/normalise.py",
        "self._return_SN * self._gamma + rewards_SN", "0 * self._return_SN + rewards_SN", "test_normalise.py",
    ),
    Break(
        "continuous 8: reward scaling", "returns go on across the end of an episode", "environments/normalise.py",
        "self._return_SN[dones_SN] = 0", "pass", "test_normalise.py",
    ),
    Break(
        "continuous 9: reward clipping", "not clipped", "environments/normalise.py",
        "np.sqrt(self.moments.variance_SX + SMALL)).clip(-LIMIT, LIMIT)",
        "np.sqrt(self.moments.variance_SX + SMALL))", "test_normalise.py",
    ),
    Break(
        "multi-discrete", "components averaged", "distributions.py",
        "torch.stack(components_X).sum(0)", "torch.stack(components_X).mean(0)", "test_distributions.py",
    ),
    Break(
        "invalid-action masking", "ignored", "networks.py",
        "outputs_SBP.masked_fill(~masks_SBP, INVALID)", "outputs_SBP", "test_networks.py",
    ),
    Break(
        "invalid-action masking", "ignored in the update", "ppo.py",
        "agent(batch.observations_SBO, batch.masks_SBP)", "agent(batch.observations_SBO, None)", "test_loss.py",
    ),
    Break(
        "invalid-action masking", "a mask stands beside the next observation", "ppo.py",
        "masks_STNP[:, t] = masks_SNP", "masks_STNP[:, (t + 1) % T] = masks_SNP", "test_collect.py",
    ),
    Break(
        "auxiliary 1: clip annealing", "never", "ppo.py",
        "(left if config.anneal_clip else 1.0)", "1.0", "test_update.py",
    ),
    Break(
        "auxiliary 1: clip annealing", "always", "ppo.py",
        "(left if config.anneal_clip else 1.0)", "left", "test_update.py",
    ),
    Break(
        "auxiliary 3: stop by KL", "one seed stops them all", "ppo.py",
        "~(kl_S > config.target_kl)", "~(kl_S > config.target_kl).any()", "test_update.py",
    ),
    Break(
        "auxiliary 3: stop by KL", "a seed that stopped shuffles on", "ppo.py",
        " if learning else torch.arange(samples)", "", "test_update.py",
    ),
    Break(
        "auxiliary 3: stop by KL", "a seed that stopped learns on", "ppo.py",
        "optimizer.step(rates.learning_rate, learning_S)",
        "optimizer.step(rates.learning_rate, torch.ones_like(learning_S))", "test_update.py",
    ),
    Break(
        "auxiliary 3: stop by KL", "means over minibatches not learned from", "ppo.py",
        "torch.where(learned_SM, told_SM, 0).sum(1) / count_S", "told_SM.mean(1)", "test_update.py",
    ),
    Break(
        "company: a seed's bits are its own", "means add up as many numbers as there are", "ppo.py",
        "(self._minibatches - len(tensors))", "0", "test_update.py",
    ),
    Break(
        "company: a seed's bits are its own", "a lone seed is multiplied by another kernel", "networks.py",
        "if len(x_SBI) > 1:", "if len(x_SBI) > 0:", "test_company.py",
    ),
)  # fmt: skip


def main() -> int:
    command = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    command.add_argument("--only", default="", metavar="WORDS", help="only entries with these words in their detail")
    only = command.parse_args().only
    chosen = [one for one in BREAKS if only in one.detail]
    if not chosen:
        command.error(f"no detail with {only!r} in it")
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(AT_ONCE) as pool:
        unbroken = run(copy(Path(folder) / "whole"), sorted({one.test for one in chosen}))
        if not unbroken.passed:
            print(f"without any break: {unbroken.text}")
            return 2
        places = (Path(folder) / str(number) for number in range(len(chosen)))
        print("| detail | break | caught by |\n|---|---|---|")
        caught = 0
        for one, ended in zip(chosen, pool.map(attempt, chosen, places), strict=True):
            caught += ended.failed
            by = ended.text if ended.failed else f"**nobody**: {ended.text}"
            print(f"| {one.detail} | {one.what} | {by} |", flush=True)
    print(f"\n{caught} of {len(chosen)} breaks are caught")
    return 0 if caught == len(chosen) else 1


def attempt(one: Break, place: Path) -> Ended:
    """Whether the break is caught, and by which test."""
    copy(place)
    path = place / "ppo_impl" / one.file
    text = path.read_text()
    if text.count(one.old) != 1:
        found = f"{one.old!r} stands {text.count(one.old)} times in ppo_impl/{one.file}"
        return Ended(failed=False, passed=False, text=found)
    path.write_text(text.replace(one.old, one.new))
    ended = run(place, [one.test])
    shutil.rmtree(place)
    return ended


def copy(place: Path) -> Path:
    """What the tests need."""
    for name in COPIED:
        source, target = ROOT / name, place / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    return place


def run(place: Path, tests: list[str]) -> Ended:
    """Runs them up to the first that does not pass."""
    told = place / "told.xml"
    options = ["-x", "-q", "-p", "no:xdist", "-p", "no:cacheprovider", f"--junitxml={told}"]
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *(f"{TESTS}/{test}" for test in tests)],
        cwd=place, env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
    )  # fmt: skip
    if ended.returncode == 0:
        return Ended(failed=False, passed=True, text=f"all of {', '.join(tests)} passed")
    cases = ElementTree.parse(told).iter("testcase") if told.exists() else ()  # noqa: S314 (pytest wrote it)
    for case in cases:
        failure = case.find("failure")
        if failure is not None:
            name, message = case.get("name", ""), failure.get("message", "")
            if message.startswith(ASSERTIONS):
                return Ended(failed=True, passed=False, text=name)
            return Ended(failed=False, passed=False, text=f"{name} could not run: {message.splitlines()[0]}")
    *_, last = ended.stdout.splitlines() or [""]
    return Ended(failed=False, passed=False, text=f"could not run: pytest ended with {ended.returncode}: {last}")


if __name__ == "__main__":
    sys.exit(main())
