"""Run-set references, and what is said of wrong ones."""

import pytest

from rlops.curves import parse_reference
from rlops.errors import UsageError


@pytest.mark.parametrize(
    ("text", "kind", "target"),
    [
        ("quick", "baseline", "quick"),
        ("main", "baseline", "main"),  # a bare word is always a baseline, never a branch
        ("baseline:quick", "baseline", "quick"),
        ("wandb:me/rl?tag=pr-12", "wandb", "me/rl"),
        ("dir:some/folder", "dir", "some/folder"),
        ("file:/abs/x.parquet?algo=PPO", "file", "/abs/x.parquet"),
        ("file:C:x.csv", "file", "C:x.csv"),
    ],
)
def test_kind_and_target(text, kind, target):
    parsed = parse_reference(text)
    assert (parsed.kind, parsed.target) == (kind, target)


def test_filters_take_lists_ranges_and_escapes():
    parsed = parse_reference("file:x.csv?algo=PPO,A2C&seed=0-2,7&env_id=ALE%2FPong-v5&metric=a%26b")
    assert parsed.seeds == {0, 1, 2, 7}
    assert parsed.env_ids == {"ALE/Pong-v5"}
    assert parsed.one("metric", "-") == "a&b"
    assert parsed.other_filters() == {"algo": ("PPO", "A2C")}
    assert parse_reference("quick").seeds is None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("wandbb:me/rl", "did you mean wandb"),
        ("some/folder", "folders dir:some/folder"),
        ("dir:", "nothing stands behind 'dir:'"),
        ("file:x.csv?algo", "not of the form key=value"),
        ("file:x.csv?a=1&a=2", "write a=a,b for several values"),
        ("git:main", "not supported yet"),
        ("main..branch", "not supported yet"),
        ("", "names no run set"),
    ],
)
def test_wrong_references_say_what_to_do(text, says):
    with pytest.raises(UsageError, match=says):
        parse_reference(text)


def test_wrong_seeds_are_found_when_they_are_read():
    with pytest.raises(UsageError, match="not a list of seeds"):
        _ = parse_reference("file:x.csv?seed=a-b").seeds
