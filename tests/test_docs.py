"""Every verb, option, config key, exit code, verdict and finding stands in the docs, and nothing else does."""

import json
import re
from pathlib import Path

import click
import pytest
from pydantic import BaseModel

from rlops.cli.main import rlops
from rlops.errors import ExitCode
from rlops.judge import Word, json_schema, results_schema
from rlops.plan import Benchmark

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"


def commands():
    context = click.Context(rlops)
    for name in rlops.list_commands(context):
        command = rlops.get_command(context, name)
        if isinstance(command, click.Group):
            yield from ((f"{name} {sub}", command.commands[sub]) for sub in command.commands)
        else:
            yield name, command


def keys(model: type[BaseModel], prefix: str = ""):
    for name, field in model.model_fields.items():
        annotation = field.annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            yield from keys(annotation, f"{prefix}{name}.")
        elif name != "name" or prefix:
            yield f"{prefix}{name}"


@pytest.mark.parametrize(("name", "command"), list(commands()))
def test_every_verb_has_its_row_with_its_options(name, command):
    (row,) = [line for line in (DOCS / "commands.md").read_text().splitlines() if line.startswith(f"| `rlops {name}")]
    options = {parameter.opts[0] for parameter in command.params if isinstance(parameter, click.Option)}
    assert set(re.findall(r"`(--[\w-]+)`", row)) == options
    assert command.get_short_help_str(200)


def test_every_config_key_has_its_row_and_no_other():
    text = (DOCS / "benchmarks.md").read_text()
    assert set(re.findall(r"^\| `([\w.]+)` \|", text, flags=re.MULTILINE)) == set(keys(Benchmark))


def test_every_verdict_and_exit_code_is_explained():
    text = (DOCS / "verdicts.md").read_text()
    rows = re.findall(r"^\| ([\w-]+) \| (\d) \|", text, flags=re.MULTILINE)
    assert {word for word, _ in rows} == {str(word) for word in Word}
    for code in ExitCode:
        assert re.search(rf"\b{int(code)}\b", text), code


def test_every_finding_is_explained_and_no_other():
    text = (DOCS / "findings.md").read_text()
    explained = set(re.findall(r"^\| `([\w-]+)` \|", text, flags=re.MULTILINE))
    judge = "".join(path.read_text() for path in (ROOT / "rlops/judge").glob("*.py"))
    faults = (ROOT / "rlops/curves/faults.py").read_text()
    used = set(re.findall(r'make_finding\(\s*"([\w-]+)"', judge)) | set(re.findall(r'cases\["([\w-]+)"', judge))
    used |= set(re.findall(r'Fault\(\s*"([\w-]+)"', faults))
    used |= {f"{state}-run" for state in ("failed", "crashed", "running")}
    assert explained == used


def test_the_published_schema_is_that_of_the_code():
    """Renew with: python -c "import json, rlops.judge as j; print(json.dumps(j.json_schema(), indent=1))"."""
    assert json.loads((DOCS / "verdict.schema.json").read_text()) == json_schema()


def test_the_published_schema_of_results_is_that_of_the_code():
    """Renew as that of verdicts, with j.results_schema()."""
    assert json.loads((DOCS / "results.schema.json").read_text()) == results_schema()


def test_the_example_in_the_docs_is_a_valid_benchmark(tmp_path):
    from rlops.plan import read_benchmark

    example = re.search(r"```toml\n(.*?)```", (DOCS / "benchmarks.md").read_text(), flags=re.DOTALL)
    (tmp_path / "example.toml").write_text(example[1])
    assert read_benchmark(tmp_path / "example.toml").environments == ("CartPole-v1", "Acrobot-v1")


@pytest.mark.parametrize("page", [ROOT / "README.md", *DOCS.glob("*.md")], ids=lambda path: path.name)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text()):
        assert (page.parent / target).exists(), target
