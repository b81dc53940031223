"""The figures as files: SVG drawn here, PNG and PDF by matplotlib, the same numbers in both."""

import builtins
import itertools
import re
import xml.etree.ElementTree as ET

import pytest

from rlops.errors import UsageError
from rlops.report.results import palette, write_figures
from rlops.report.results.charts import charts
from rlops.report.results.drawing import draw_panel
from tests.report.results_samples import poisoned, sample
from tests.report.test_trust import HOSTILE

NAMES = ["curves", "aggregates", "sample_efficiency", "profile"]
SVG = "{http://www.w3.org/2000/svg}"
ELEMENTS = {"svg", "title", "style", "rect", "path", "text", "g"}


def curves_svg(record, folder):
    """The figure of the learning curves, parsed: whatever the names are, it must be XML."""
    return ET.fromstring(write_figures(record, folder, "svg")["curves"].read_text())  # noqa: S314 - we wrote it


@pytest.mark.parametrize(("file_format", "magic"), [("svg", b"<svg"), ("png", b"\x89PNG\r\n\x1a\n"), ("pdf", b"%PDF-")])
def test_every_figure_is_a_file_and_the_same_one_again(file_format, magic, tmp_path):
    written = write_figures(sample(), tmp_path / "one", file_format)
    again = write_figures(sample(), tmp_path / "other", file_format)
    assert list(written) == NAMES
    for name, path in written.items():
        assert path.name == f"{name}.{file_format}"
        assert path.read_bytes().startswith(magic)
        assert path.read_bytes() == again[name].read_bytes()


def test_svg_holds_every_environment_and_run_set(tmp_path):
    record = sample()
    root = curves_svg(record, tmp_path)
    said = [element.text for element in root.iter(f"{SVG}text")]
    assert {item.env_id for item in record.environments} <= set(said)
    assert {item.label for item in record.run_sets} <= set(said)
    # the third run set lacks the last environment
    means = [e for e in root.iter(f"{SVG}path") if e.get("class", "").startswith("mean") and "l" in e.get("d", "")]
    assert len(means) == 3 * 3 - 1


def test_a_curve_is_drawn_where_its_values_lie():
    record = sample()
    chart = charts(record)[0]
    drawn, values = draw_panel(chart.panels[0]), record.environments[0].scores[0].curve.estimate
    x, y = (int(number) for number in re.match(r"M(\d+) (\d+)", drawn.lines[0].mean).groups())
    low, high = chart.panels[0].y_ends
    assert y == round(drawn.bottom - (values[0] - low) / (high - low) * (drawn.bottom - drawn.top))
    assert x == round(drawn.left + 0.01 * (drawn.right - drawn.left))


@pytest.mark.parametrize("text", HOSTILE)
def test_names_are_text_in_every_format(text, tmp_path):
    record = poisoned(text)
    root = curves_svg(record, tmp_path)
    assert {element.tag.removeprefix(SVG) for element in root.iter()} <= ELEMENTS


@pytest.mark.parametrize("text", ["$\\frac{", "_hidden", "<b>", "x" * 300, ""])
def test_names_are_text_for_matplotlib(text, tmp_path):
    assert list(write_figures(poisoned(text), tmp_path, "png")) == NAMES


@pytest.mark.parametrize("file_format", ["png", "pdf"])
def test_without_matplotlib_it_says_what_to_install(file_format, tmp_path, monkeypatch):
    import sys

    real = builtins.__import__

    def no_matplotlib(name, *args, **kwargs):
        if name.split(".")[0] == "matplotlib":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.delitem(sys.modules, "rlops.report.results.paper", raising=False)
    monkeypatch.setattr(builtins, "__import__", no_matplotlib)
    with pytest.raises(UsageError, match=re.escape("pip install 'rlops[figures]'")):
        write_figures(sample(), tmp_path, file_format)
    assert list(write_figures(sample(), tmp_path, "svg")) == NAMES


def luminance(colour):
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_colours_stand_out_from_the_page_and_no_two_run_sets_look_alike():
    for colours, page in ((palette.ON_LIGHT, "#ffffff"), (palette.ON_DARK, "#14171c")):
        for colour in colours:
            light, dark = sorted((luminance(colour), luminance(page)), reverse=True)
            assert (light + 0.05) / (dark + 0.05) >= 3, colour
    looks = [(palette.hue(number), palette.dash(number)) for number in range(16)]
    assert len(set(looks)) == 16
    assert all(palette.dash(one) != palette.dash(other) for one, other in itertools.pairwise(range(8)))
