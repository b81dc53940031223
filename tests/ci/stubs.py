"""Programs that stand in for `python` and `gh` in the scripts of workflows.

`python` installs nothing, says what it was told to instead of `rlops gate` and `rlops baseline save`, and is the real
one for all else: `rlops publish` runs for real. `gh api` asks the stand-in of GitHub's API.
"""

import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

PYTHON = """#!{interpreter}
import json, os, pathlib, sys

here, arguments = pathlib.Path(__file__).parent, sys.argv[1:]
plain = [argument for argument in arguments if argument != "-P"]
secret = any("ghs_" in value for value in os.environ.values())
with (here / "calls.jsonl").open("a") as log:
    log.write(json.dumps({{"arguments": arguments, "secret": secret, "folder": os.getcwd()}}) + "\\n")
if plain[:2] == ["-m", "pip"]:
    sys.exit(0)
if plain[:3] == ["-m", "rlops", "gate"]:
    gate = json.loads((here / "gate.json").read_text())
    sys.stderr.write(gate["err"])
    if gate["out"]:
        pathlib.Path(plain[plain.index("--report") + 1]).write_text("<html>the report</html>")
    sys.stdout.write(gate["out"])
    sys.exit(gate["code"])
if plain[:4] == ["-m", "rlops", "baseline", "save"]:
    pathlib.Path("baselines").mkdir(exist_ok=True)
    pathlib.Path("baselines", plain[4] + ".json").write_text("a baseline")
    sys.exit(0)
os.execv({interpreter!r}, [{interpreter!r}, *arguments])
"""

GH = """#!{interpreter}
import json, os, sys, urllib.request

assert sys.argv[1] == "api", sys.argv
rest = sys.argv[2:]
method = rest.pop(rest.index("--method") + 1) if "--method" in rest else "GET"
query = rest.pop(rest.index("--jq") + 1) if "--jq" in rest else None
(path,) = [part for part in rest if not part.startswith("--")]
headers = {{"Authorization": "Bearer " + os.environ["GH_TOKEN"]}}
request = urllib.request.Request(os.environ["GITHUB_API_URL"] + "/" + path, method=method, headers=headers)
with urllib.request.urlopen(request, timeout=10) as answer:
    value = json.load(answer)
known = {{
    ".permission": lambda: value["permission"],
    ".head.sha": lambda: value["head"]["sha"],
    ".workflow_runs[0].id // empty": lambda: value["workflow_runs"][0]["id"] if value["workflow_runs"] else None,
}}
if query is not None and known[query]() is not None:
    print(known[query]())
"""


@dataclass(frozen=True)
class Gate:
    """How the stub of `rlops gate` ends."""

    code: int = 0
    out: str = ""
    err: str = ""


def install(folder: Path, gate: Gate) -> Path:
    """Put the stubs into a folder for PATH."""
    folder.mkdir()
    (folder / "gate.json").write_text(json.dumps(asdict(gate)))
    for name, program in (("python", PYTHON), ("gh", GH)):
        (folder / name).write_text(program.format(interpreter=sys.executable))
        (folder / name).chmod(0o755)
    return folder


def calls(folder: Path) -> list[dict[str, Any]]:
    """What `python` was called with, in order."""
    path = folder / "calls.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
