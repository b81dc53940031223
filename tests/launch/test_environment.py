"""What a trainer sees of the user's environment variables: an allow-list, written out here a second time."""

import json

import pytest

from rlops.launch.imports import RECORDER
from tests.launch.dummies import Project

SECRETS = {
    "GITHUB_TOKEN": "ghp_x", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "WANDB_API_KEY": "w",
    "OPENAI_API_KEY": "o", "HF_TOKEN": "h", "SSH_AUTH_SOCK": "s", "NETRC": "n", "PASSWORD": "p",
}  # fmt: skip
OTHER_CODE = {
    "PYTHONPATH": "/elsewhere", "PYTHONHOME": "/elsewhere", "PYTHONSTARTUP": "/x.py", "PYTHONUSERBASE": "/elsewhere",
    "LD_PRELOAD": "", "GIT_DIR": "/elsewhere", "WANDB_PROJECT": "theirs", "WANDB_RUN_ID": "theirs",
    "WANDB_MODE": "online", "WANDB_BASE_URL": "https://example.invalid", "RLOPS_DIR": "/elsewhere",
}  # fmt: skip
PASSED_ON = {
    "PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "TERM", "VIRTUAL_ENV",
    "LD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES", "MUJOCO_GL", "SSL_CERT_FILE", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY",
    "ATEN_CPU_CAPABILITY", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS",
}  # fmt: skip
SET_BY_RLOPS = {
    "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS", "PYTHONUNBUFFERED",
    "WANDB_MODE", "WANDB_DIR", "WANDB_PROJECT", "WANDB_RUN_GROUP", "WANDB_TAGS", "WANDB_SILENT", "WANDB_CONSOLE",
    "PYTHONPATH", "RLOPS_IMPORTS",
}  # fmt: skip
BY_THE_INTERPRETER = {"LC_CTYPE"}  # PEP 538: Python sets it for itself in the C locale


@pytest.fixture
def hostile(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**SECRETS, **OTHER_CODE}.items():
        monkeypatch.setenv(name, value)


def environment_of(project: Project, **more: object) -> dict[str, str]:
    board = project.fill(project.benchmark("environment=seen", **more), (1,))
    assert not board.failures
    seen: dict[str, str] = json.loads((project.root / "seen").read_text())
    return seen


@pytest.mark.usefixtures("hostile")
def test_no_secret_and_nothing_that_chooses_other_code_arrives(project: Project) -> None:
    seen = environment_of(project)
    assert seen.keys() - BY_THE_INTERPRETER <= PASSED_ON | SET_BY_RLOPS
    assert seen.keys() >= SET_BY_RLOPS | {"PATH", "HOME"}
    assert not set(SECRETS) & seen.keys()
    assert seen["PYTHONPATH"] == str(RECORDER)
    assert seen["WANDB_MODE"] == "offline"
    assert seen["WANDB_PROJECT"] == "rlops"


def test_everything_allowed_arrives(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = {"PATH", "HOME", "LD_LIBRARY_PATH", "LC_ALL", "LANG", "LC_CTYPE"}  # the interpreter needs or mends them
    expected = {name: f"value of {name}" for name in PASSED_ON - theirs}
    for name, value in expected.items():
        monkeypatch.setenv(name, value)
    seen = environment_of(project)
    assert {name: seen[name] for name in expected} == expected


@pytest.mark.usefixtures("hostile")
def test_the_key_arrives_only_where_the_benchmark_says_online(project: Project) -> None:
    seen = environment_of(project, wandb={"mode": "online", "entity": "team", "project": "p"})
    assert (seen["WANDB_API_KEY"], seen["WANDB_BASE_URL"]) == ("w", "https://example.invalid")
    assert (seen["WANDB_MODE"], seen["WANDB_ENTITY"], seen["WANDB_PROJECT"]) == ("online", "team", "p")
    assert "GITHUB_TOKEN" not in seen


def test_wandb_is_told_to_log_into_the_cell(project: Project) -> None:
    seen = environment_of(project)
    folder = project.directory()
    assert seen["WANDB_DIR"] == str(folder.resolve())
    assert seen["WANDB_RUN_GROUP"] == folder.parent.name
    assert seen["WANDB_TAGS"] == "rlops,bench"


def test_a_thread_a_core_unless_the_user_says_otherwise(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = environment_of(project, resources={"cores": 3})
    assert (seen["OMP_NUM_THREADS"], seen["MKL_NUM_THREADS"]) == ("3", "3")
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    assert environment_of(project, resources={"cores": 3}, budget=2000)["OMP_NUM_THREADS"] == "7"


@pytest.mark.usefixtures("hostile")
def test_no_secret_is_written_into_the_store(project: Project) -> None:
    environment_of(project, wandb={"mode": "online"})
    (project.root / "seen").unlink()
    texts = [path.read_text() for path in project.cells.rglob("*") if path.is_file()]
    assert texts
    assert not any(secret in text for text in texts for secret in ("ghp_x", "WANDB_API_KEY", "GITHUB_TOKEN"))
