"""The page of published results: one file, no network, no JavaScript."""

from dataclasses import dataclass

from rlops.judge.results_record import Results
from rlops.report import text
from rlops.report.html import templates
from rlops.report.results import palette
from rlops.report.results.charts import aggregate_panels, curve_panel, efficiency_panel, profile_panel
from rlops.report.results.drawing import PanelDrawing, draw_panel
from rlops.report.results.view import EnvironmentView, build_view


@dataclass(frozen=True)
class Card:
    """One environment with its learning curves."""

    view: EnvironmentView
    panel: PanelDrawing | None


def render_results_html(record: Results) -> str:
    """The page as the text of one self-contained HTML file; the record is embedded as it is."""
    from markupsafe import Markup

    view = build_view(record)
    panels = [curve_panel(record, item) for item in record.environments]
    cards = [
        Card(shown, draw_panel(panel) if panel else None)
        for shown, panel in zip(view.environments, panels, strict=True)
    ]
    shares = [panel for panel in (efficiency_panel(record), profile_panel(record)) if panel]
    return (
        templates()
        .get_template("results/page.html.j2")
        .render(
            view=view,
            cards=cards,
            aggregates=[draw_panel(panel) for panel in aggregate_panels(record)],
            shares=[draw_panel(panel) for panel in shares],
            palette=palette,
            record_json=Markup(text.json_escaped(record.model_dump_json(by_alias=True))),  # noqa: S704  # escaped
        )
    )
