import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MUTANTS = ROOT / "benchmarks" / "mutants"


@pytest.mark.parametrize("name", ["no_bootstrap"])
def test_the_patch_says_what_it_does_and_applies(name: str, tmp_path: Path) -> None:
    patch = MUTANTS / f"{name}.patch"
    header, _, diff = patch.read_text().partition("diff --git")
    assert len(header.split()) > 10
    changed = [line for line in diff.splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---")]
    assert len(changed) <= 2  # one line taken out, one put in
    copy = tmp_path / "ppo_impl"
    copy.mkdir()
    (copy / "ppo.py").write_text((ROOT / "ppo_impl" / "ppo.py").read_text())
    for command in (["git", "apply", "--check", patch], ["git", "apply", patch]):
        ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert ended.returncode == 0, ended.stderr
    assert (copy / "ppo.py").read_text() != (ROOT / "ppo_impl" / "ppo.py").read_text()
