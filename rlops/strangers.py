"""Code and text that nobody vouches for: what trainers and installers may see of us, and what we show of them."""

import os
import re
from collections.abc import Mapping

PASSED_ON = (
    "PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "TERM", "VIRTUAL_ENV",
    "LD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES", "MUJOCO_GL", "SSL_CERT_FILE", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY",
    "ATEN_CPU_CAPABILITY", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS",
)  # fmt: skip
"""All that a child sees of the user's environment: no token, and nothing that chooses other code (PYTHONPATH)."""
SECRET_NAMES = r"key|token|secret|passw|credential|proxy"  # noqa: S105  (names, not values)
SHORTEST_SECRET = 8
"""Shorter values stand in ordinary words, too (arbitrary)."""
SECRET_SETTINGS = re.compile(
    r"(^|[_.-])((api|access|secret|private|auth|wandb)[_.-]?key|(access|auth|api)?[_.-]?token|secret|passw(or)?d|credentials?)$",
    re.IGNORECASE,
)
"""Names of settings that are nobody's business; not `max_tokens`, `key` or `tokenizer`."""
WHO_IN_ADDRESS = re.compile(r"(\w+://)[^/\s@'\"]+@")
REDACTED = "[redacted]"

ANSI = re.compile(r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|(?:\x1b\]|\x9d)[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)|\x1b[@-_]?")
CONTROL = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f"
    r"\u061c\u200b\u200e\u200f\u2028\u2029\u202a-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\ufffe\uffff\ud800-\udfff]"
)


def passed_on(more: str | None = None) -> dict[str, str]:
    """The variables of this environment that a child may see; `more`: those whose names match this pattern, too."""
    wanted = {name for name in os.environ if more and re.fullmatch(more, name)}.union(PASSED_ON)
    return {name: os.environ[name] for name in sorted(wanted) if name in os.environ}


def redacted(text: str) -> str:
    """The text without the values of secret variables of this environment, and without passwords in addresses."""
    return _hidden(text, _secrets())


def without_secrets(settings: Mapping[str, object]) -> dict[str, object]:
    """Settings that a stranger's program wrote down, at every depth: what is called a secret, and what holds one.

    Texts only: a number that is also somebody's password stays a number.
    """
    return _settings(settings, _secrets())


def _secrets() -> dict[str, str]:
    """Value -> the variable of this environment that keeps it."""
    return {
        value: name
        for name, value in os.environ.items()
        if re.search(SECRET_NAMES, name, flags=re.IGNORECASE) and len(value) >= SHORTEST_SECRET
    }


def _hidden(text: str, secrets: Mapping[str, str]) -> str:
    for value, name in secrets.items():
        text = text.replace(value, f"[{name}]")
    return WHO_IN_ADDRESS.sub(r"\1[redacted]@", text)


def _settings(settings: Mapping[str, object], secrets: Mapping[str, str]) -> dict[str, object]:
    return {
        key: REDACTED if SECRET_SETTINGS.search(key) and isinstance(value, str) else _inside(value, secrets)
        for key, value in settings.items()
    }


def _inside(value: object, secrets: Mapping[str, str]) -> object:
    if isinstance(value, str):
        return _hidden(value, secrets)
    if isinstance(value, Mapping):
        return _settings(value, secrets)
    return [_inside(item, secrets) for item in value] if isinstance(value, list | tuple) else value


def clean(text: str) -> str:
    """Text without ANSI sequences, control characters and those that reorder or hide what is read; keeps newlines."""
    return CONTROL.sub("", ANSI.sub("", text.replace("\r\n", "\n")))
