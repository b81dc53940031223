"""What strangers' programs wrote down is shown without secrets, and otherwise as it was."""

import pytest

from rlops.strangers import redacted, without_secrets
from tests.curve_sets import run_set, verdict_on

HIDDEN = "0123456789abcdef-hidden"


@pytest.mark.parametrize(
    "name",
    [
        "api_key", "WANDB_API_KEY", "wandb_key", "access-token", "token", "hf_token", "github.token", "password",
        "db_passwd", "client_secret", "aws_secret", "private_key", "credentials",
    ],
)  # fmt: skip
def test_secret_settings(name):
    assert without_secrets({name: "x", "deep": {name: "y"}}) == {name: "[redacted]", "deep": {name: "[redacted]"}}


@pytest.mark.parametrize(
    "name",
    ["key", "env_id_key", "max_tokens", "tokenizer", "keys", "secrets_of_success", "passes", "seed_key", "n_keys"],
)
def test_other_settings_stay(name):
    settings = {name: "x", "list": [1, {"a": None}], "number": 3e-4}
    assert without_secrets(settings) == settings


def test_a_secret_called_number_is_a_number():
    assert without_secrets({"token": 3}) == {"token": 3}


def test_values_of_this_environment(monkeypatch):
    monkeypatch.setenv("WANDB_API_KEY", HIDDEN)
    assert redacted(f"key={HIDDEN}!") == "key=[WANDB_API_KEY]!"
    assert without_secrets({"args": ["--key", HIDDEN], "note": {"text": f"<{HIDDEN}>"}}) == {
        "args": ["--key", "[WANDB_API_KEY]"],
        "note": {"text": "<[WANDB_API_KEY]>"},
    }


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://me:pw@host/x.git", "https://[redacted]@host/x.git"),
        ("git+https://ghp_abc@github.com/a/b.git@v1", "git+https://[redacted]@github.com/a/b.git@v1"),
        ("https://host/a@b", "https://host/a@b"),
        ("mail me@host", "mail me@host"),
        ("wandb:team/x?user=a@b", "wandb:team/x?user=a@b"),
    ],
)
def test_passwords_in_addresses(text, shown):
    assert redacted(text) == shown


def test_a_record_keeps_its_numbers_whatever_somebodys_password_is(monkeypatch):
    made = verdict_on(run_set({"A": 100.0}, range(1, 11)), run_set({"A": 100.0}, range(101, 106), draw=1))
    (environment,) = made.environments
    steps = str(environment.curves.steps[-1])
    assert len(steps) >= 8
    monkeypatch.setenv("DATABASE_PASSWORD", steps)
    monkeypatch.setenv("API_TOKEN", made.command)
    safe = made.without_secrets()
    assert safe.command == "[API_TOKEN]"
    assert safe.model_copy(update={"command": made.command}) == made
    monkeypatch.delenv("API_TOKEN")
    assert made.without_secrets() is made
