"""Where the time of a training went: a table and a picture."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ppo_impl.clock import PARTS

COLOURS = ("#3b6fb6", "#6fa8dc", "#b0b7c3", "#d9822b", "#7a9e5f")  # of PARTS
WIDTH, HEIGHT, LEFT, TOP, RIGHT = 760, 260, 60, 30, 190
POINTS = 120  # at most so many along the picture; iterations between are averaged


class Profile:
    """Collects the seconds of each part of every iteration."""

    def __init__(self, steps: int) -> None:
        self._steps = steps  # of all seeds in one iteration
        self._rows: list[list[float]] = []

    def note(self, seconds: Mapping[str, float]) -> None:
        """Takes in one iteration."""
        self._rows.append([seconds.get(part, 0.0) for part in PARTS])

    def table(self) -> str:
        """Milliseconds an iteration and share of the whole, part by part."""
        mean_K = np.array(self._rows).mean(0)
        whole = mean_K.sum()
        lines = [f"{'part':12} {'ms/iteration':>12} {'share':>6}"]
        lines += [
            f"{part:12} {1e3 * seconds:12.2f} {seconds / whole:6.1%}"
            for part, seconds in zip(PARTS, mean_K, strict=True)
        ]
        return "\n".join([*lines, f"{'all':12} {1e3 * whole:12.2f} {self._steps / whole:12,.0f} steps/s"])

    def picture(self, title: str) -> str:
        """The same over the iterations, as the text of an SVG file: one band a part, late slow-downs included."""
        rows_IK = 1e3 * np.array(self._rows)
        groups = np.array_split(rows_IK, min(POINTS, len(rows_IK)))
        edges_KI = np.vstack([np.zeros(len(groups)), np.cumsum([group.mean(0) for group in groups], axis=1).T])
        top = float(np.quantile(edges_KI[-1], 0.99)) * 1.15  # one slow moment must not flatten the rest
        x_I = LEFT + np.linspace(0, WIDTH - LEFT - RIGHT, max(2, len(groups)))
        if len(groups) == 1:
            edges_KI = np.repeat(edges_KI, 2, axis=1)
        y_KI = TOP + HEIGHT * (1 - np.minimum(edges_KI / top, 1))
        shares_K = rows_IK.sum(0) / rows_IK.sum()
        bands = [_band(x_I, y_KI[k], y_KI[k + 1], COLOURS[k]) for k in range(len(PARTS))]
        legend = [_legend(k, part, shares_K[k]) for k, part in enumerate(PARTS)]
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {TOP + HEIGHT + 40}" '
            'font-family="sans-serif" font-size="13" role="img">'
        )
        marks = [_mark(top * share, TOP + HEIGHT * (1 - share)) for share in (0, 0.5, 1)]
        title = _escaped(title)
        lines = [head, f"<title>{title}</title>", f'<text x="{LEFT}" y="18">{title}</text>', *bands, *legend, *marks]
        end = f'<text x="{LEFT}" y="{TOP + HEIGHT + 22}">iteration 1 to {len(self._rows):,}</text>'
        return "\n".join([*lines, end, "</svg>", ""])

    def write(self, path: Path, title: str) -> None:
        """Draws the picture into a file."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.picture(title), encoding="utf-8")


def _band(x_I: NDArray[np.float64], low_I: NDArray[np.float64], high_I: NDArray[np.float64], colour: str) -> str:
    points = [*zip(x_I, high_I, strict=True), *zip(x_I[::-1], low_I[::-1], strict=True)]
    return f'<polygon fill="{colour}" points="{_points(points)}"/>'


def _points(points: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


def _legend(k: int, part: str, share: float) -> str:
    x, y = WIDTH - RIGHT + 20, TOP + 20 + 24 * (len(PARTS) - 1 - k)  # in the order in which the bands lie
    return (
        f'<rect x="{x}" y="{y - 11}" width="14" height="14" fill="{COLOURS[k]}"/>'
        f'<text x="{x + 22}" y="{y}">{part} {share:.0%}</text>'
    )


def _mark(milliseconds: float, y: float) -> str:
    return f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{milliseconds:.0f} ms</text>'


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
