from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from sandbox import Sandbox

from ppo_impl.clock import PARTS, Clock
from ppo_impl.config import Config
from ppo_impl.ppo import Trainer, train
from ppo_impl.profile import HEIGHT, LEFT, POINTS, RIGHT, TOP, WIDTH, Profile

SVG = "{http://www.w3.org/2000/svg}"
SECONDS = dict(zip(PARTS, (0.010, 0.020, 0.005, 0.060, 0.005), strict=True))


def noted(*rows: dict[str, float], steps: int = 1_000) -> Profile:
    profile = Profile(steps)
    for row in rows:
        profile.note(row)
    return profile


def tree(picture: str) -> ET.Element:
    return ET.fromstring(picture)  # noqa: S314 - our own


def bands(picture: str) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """x, upper and lower edge of each polygon."""
    parsed = []
    for polygon in tree(picture).iter(f"{SVG}polygon"):
        points = np.array([[float(one) for one in point.split(",")] for point in polygon.attrib["points"].split()])
        upper, lower = np.split(points, 2)
        np.testing.assert_array_equal(upper[:, 0], lower[::-1, 0])
        parsed.append((upper[:, 0], upper[:, 1], lower[::-1, 1]))
    return parsed


def test_the_table_has_the_means_and_their_shares() -> None:
    """Two iterations of 100 and 300 ms: 200 on the mean, 5,000 steps/s; the update took 60 and 230 of them."""
    profile = noted(SECONDS, {**SECONDS, "update": 0.230, "inference": 0.050})
    assert [line.split() for line in profile.table().splitlines()] == [
        ["part", "ms/iteration", "share"],
        ["environment", "10.00", "5.0%"],
        ["inference", "35.00", "17.5%"],
        ["advantage", "5.00", "2.5%"],
        ["update", "145.00", "72.5%"],
        ["logging", "5.00", "2.5%"],
        ["all", "200.00", "5,000", "steps/s"],
    ]


def test_a_part_that_was_not_measured_took_no_time() -> None:
    assert ["update", "0.00", "0.0%"] in [line.split() for line in noted({"environment": 0.1}).table().splitlines()]


@pytest.mark.parametrize("iterations", [1, 2, POINTS - 1, POINTS, POINTS + 1, 1_000])
def test_the_bands_lie_on_each_other_without_overlap_or_gap(iterations: int) -> None:
    random = np.random.default_rng(0)
    rows = [dict(zip(PARTS, row, strict=True)) for row in random.exponential(size=(iterations, len(PARTS)))]
    x_K, uppers, lowers = (np.array(part) for part in zip(*bands(noted(*rows).picture("title")), strict=True))
    assert len(x_K) == len(PARTS)
    assert 2 <= x_K.shape[1] <= POINTS
    assert (x_K[0, 0], x_K[0, -1]) == (LEFT, WIDTH - RIGHT)
    assert (np.diff(x_K[0]) > 0).all()
    np.testing.assert_array_equal(x_K, np.broadcast_to(x_K[0], x_K.shape))
    np.testing.assert_array_equal(lowers[0], TOP + HEIGHT)
    np.testing.assert_array_equal(lowers[1:], uppers[:-1])
    assert (uppers <= lowers).all()
    assert (uppers >= TOP).all()


def test_heights_are_in_proportion_to_the_times() -> None:
    heights = [lower[0] - upper[0] for _, upper, lower in bands(noted(SECONDS, SECONDS).picture("title"))]
    np.testing.assert_allclose(heights / np.sum(heights), np.array(list(SECONDS.values())) / 0.1, atol=0.001)


def test_one_slow_moment_does_not_flatten_the_rest() -> None:
    profile = noted(*[SECONDS] * 200, {**SECONDS, "logging": 1000.0})
    assert bands(profile.picture("title"))[-1][1][0] < TOP + HEIGHT / 2


def test_the_title_is_escaped_and_the_legend_complete() -> None:
    title = "a<b> & \"c\" 'd' ]]> é"
    picture = tree(noted(SECONDS).picture(title))
    assert picture.findtext(f"{SVG}title") == title
    texts = [one.text for one in picture.iter(f"{SVG}text")]
    assert {title, "iteration 1 to 1", "0 ms", "environment 10%", "update 60%"} <= set(texts)
    assert len({one.attrib["fill"] for one in picture.iter(f"{SVG}rect")}) == len(PARTS)


def test_the_clock_gives_each_part_what_passed_since_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([0.0, 10.0, 11.0, 13.0, 16.0, 20.0, 30.0, 31.0])
    monkeypatch.setattr("ppo_impl.clock.time", SimpleNamespace(perf_counter=lambda: next(times)))
    clock = Clock()
    clock.begin()
    for part in ("environment", "update", "environment"):
        clock.lap(part)
    assert clock.take() == {"environment": 1.0 + 3.0, "update": 2.0}
    clock.lap("update")
    assert clock.take() == {"update": 20.0 - 16.0}
    clock.lap("update")
    clock.begin()
    assert clock.take() == {}


def test_an_iteration_bears_the_logging_of_the_one_before(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("ppo_impl.clock.time", SimpleNamespace(perf_counter=lambda: now[0]))
    told = []
    for iteration in train(Trainer(Config(total_timesteps=3 * 512))):
        told.append(iteration.seconds.get("logging"))
        now[0] += 7.0
    assert told == [None, 7.0, 7.0]


def test_the_command_prints_the_table_and_draws_into_a_directory_that_is_not_there_yet(sandbox: Sandbox) -> None:
    file = sandbox.path / "not" / "yet" / "there.svg"
    ended = sandbox.train(
        "--env-id", "CartPole-v1", "--total-timesteps", "2048", "--profile", str(file), WANDB_MODE="disabled"
    )  # fmt: skip
    assert (ended.code, ended.errors) == (0, "")
    *_, table, last = ended.output.rpartition("part ")
    assert {line.split()[0] for line in last.splitlines()[1:-1]} == {*PARTS, "all"}
    assert table
    assert ended.output.splitlines()[-1] == f"drawn into {file}"
    assert len(bands(Path(file).read_text(encoding="utf-8"))) == len(PARTS)
