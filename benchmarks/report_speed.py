"""`make report-speed`: how large a report is, how long it takes to render and to be seen; the same curves with plotly.

Printed: size, seconds to render, milliseconds until a browser has drawn it, for 1, 20 and 60 environments of two sides
with ten seeds; and the same learning curves (every seed, mean and interval) as one page of plotly figures. The browser
is a Chromium on PATH, the median of five loads from a file is told.
"""

import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

import plotly.graph_objects as go
from playwright.sync_api import Browser, sync_playwright

from rlops.judge.record import Verdict
from rlops.report import render_html
from tests.report import samples

LOADS = 5
SIDES = ("baseline", "candidate")
DRAWN = """() => {
  const paint = performance.getEntriesByType('paint').find(entry => entry.name === 'first-contentful-paint');
  return [paint ? paint.startTime : NaN, performance.getEntriesByType('navigation')[0].loadEventEnd];
}"""


def with_plotly(verdict: Verdict) -> str:
    """One figure an environment in one page, plotly's script embedded once."""
    parts = []
    for number, item in enumerate(verdict.environments):
        figure = go.Figure()
        for side in SIDES:
            band = getattr(item.curves, side)
            for values in (*band.seeds.values(), band.mean, band.low, band.high):
                figure.add_trace(go.Scatter(x=item.curves.steps, y=values, mode="lines", showlegend=False))
        parts.append(figure.to_html(full_html=False, include_plotlyjs=number == 0))
    return f"<!doctype html><meta charset=utf-8><title>plotly</title>{''.join(parts)}"


def seen(browser: Browser, page_file: Path) -> tuple[float, float]:
    """Milliseconds until something was drawn, and until everything was; medians."""
    found = []
    for _ in range(LOADS):
        page = browser.new_page(viewport={"width": 1200, "height": 900})
        page.goto(page_file.as_uri(), wait_until="load")
        page.wait_for_timeout(200)
        found.append(page.evaluate(DRAWN))
        page.close()
    return tuple(statistics.median(column) for column in zip(*found, strict=True))


def main() -> None:
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit("there is no chromium on PATH; apt-get install chromium")
    verdicts = {n: samples.many(n) for n in (1, 20, 60)}
    render_html(verdicts[1])  # imports
    print(f"{'':24} {'KB':>7} {'render':>8} {'first drawn':>12} {'loaded':>9}")
    with tempfile.TemporaryDirectory() as place, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        for n, verdict in verdicts.items():
            for name, render in (("rlops", render_html), ("plotly", with_plotly)):
                started = time.perf_counter()
                html = render(verdict)
                seconds = time.perf_counter() - started
                path = Path(place) / f"{name}-{n}.html"
                path.write_text(html, encoding="utf-8")
                drawn, loaded = seen(browser, path)
                size = len(html.encode()) / 1000
                print(
                    f"{name:8} {n:3} environments {size:7,.0f} {seconds:6.2f} s {drawn:9.0f} ms {loaded:6.0f} ms",
                    flush=True,
                )
        browser.close()


if __name__ == "__main__":
    main()
