"""Run-set references, and what is said of wrong ones."""

import pytest

from rlops.curves import both_of_range, parse_reference
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
        ("git:", "nothing stands behind 'git:'"),
        ("", "names no run set"),
    ],
)
def test_wrong_references_say_what_to_do(text, says):
    with pytest.raises(UsageError, match=says):
        parse_reference(text)


@pytest.mark.parametrize(
    ("text", "both"),
    [
        ("main..my-branch", ("git:mergebase(main,my-branch)", "git:my-branch")),
        ("origin/main..", ("git:mergebase(origin/main,HEAD)", "git:HEAD")),
        ("v1.0..v2.0?seed=1-5", ("git:mergebase(v1.0,v2.0)?seed=1-5", "git:v2.0?seed=1-5")),
        ("quick", None),
        ("git:main", None),
        ("dir:../runs", None),
        ("../runs", None),
        ("file:x.csv?algo=a..b", None),
    ],
)
def test_a_range_is_short_for_two_versions(text, both):
    assert both_of_range(text) == both
    for reference in both or ():
        assert parse_reference(reference).kind == "git"


def test_three_dots_are_no_range():
    with pytest.raises(UsageError, match="two dots"):
        both_of_range("main...my-branch")


def test_wrong_seeds_are_found_when_they_are_read():
    with pytest.raises(UsageError, match="not a list of seeds"):
        _ = parse_reference("file:x.csv?seed=a-b").seeds
