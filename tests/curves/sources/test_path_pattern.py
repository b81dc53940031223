"""What paths say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlops.curves.sources.path_pattern import PathPattern
from rlops.errors import UsageError

NAME = st.text("abz019_-.", min_size=1, max_size=4)


@pytest.mark.parametrize(
    ("pattern", "path", "fields"),
    [
        ("{algo}/{env_id}_{seed}", "ppo/CartPole-v1_3", {"algo": "ppo", "env_id": "CartPole-v1", "seed": 3}),
        ("{env_id}_{seed}", "my_env_with_words_12", {"env_id": "my_env_with_words", "seed": 12}),
        ("/{env_id}/seed{seed}/", "Hopper-v4/seed007", {"env_id": "Hopper-v4", "seed": 7}),
        (
            "{env_id}__{exp}__{seed}__{time}",
            "Pong-v5__ppo__1__1699",
            {"env_id": "Pong-v5", "exp": "ppo", "seed": 1, "time": "1699"},
        ),
        ("{env_id}_{seed}", "CartPole-v1_x", None),
        ("{env_id}_{seed}", "ppo/CartPole-v1_1", None),
        ("a.c/{seed}", "abc/1", None),
        ("{seed}.monitor.csv", "4.monitor.csv", {"seed": 4}),
    ],
)
def test_fields(pattern: str, path: str, fields: dict[str, object] | None) -> None:
    assert PathPattern.parse(pattern).fields(path) == fields


@pytest.mark.parametrize("path", ["a_b_c", "a_b_c_d"])
def test_a_path_that_can_be_read_in_two_ways(path: str) -> None:
    with pytest.raises(UsageError, match=f"the path {path} can be read in two ways, .*'env_id': 'a'.* or "):
        PathPattern.parse("{env_id}_{algo}").fields(path)


@given(st.lists(NAME, min_size=2, max_size=4), st.sampled_from(["_", "-", "__"]))
def test_every_way_to_read_a_path_is_found(parts: list[str], between: str) -> None:
    """The oracle tries every way to cut the path at the text between the fields."""
    path = between.join(parts)
    pattern = PathPattern.parse(between.join(f"{{f{i}}}" for i in range(len(parts))))

    def ways(rest: str, count: int) -> int:
        if count == 1:
            return int(rest != "")
        cuts = [i for i in range(1, len(rest)) if rest.startswith(between, i)]
        return sum(ways(rest[i + len(between) :], count - 1) for i in cuts)

    if ways(path, len(parts)) == 1:
        assert pattern.fields(path) == {f"f{i}": part for i, part in enumerate(parts)}
    else:
        with pytest.raises(UsageError, match="two ways"):
            pattern.fields(path)


@pytest.mark.parametrize("text", ["seed_1", "{env_id", "{env_id}_{seed}}", "{}", "{a b}", "{seed}_{seed}", "{1}"])
def test_what_is_no_pattern(text: str) -> None:
    with pytest.raises(UsageError, match="path="):
        PathPattern.parse(text)
