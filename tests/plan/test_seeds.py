"""Seed lists: what people write, and what rlops writes back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlops.errors import UsageError
from rlops.plan import format_seeds, parse_seeds


@given(st.sets(st.integers(0, 3000), min_size=1))
def test_what_is_written_is_read_back(seeds: set[int]) -> None:
    assert parse_seeds(format_seeds(seeds)) == tuple(sorted(seeds))


@given(st.lists(st.tuples(st.integers(0, 10**9), st.integers(0, 20)), min_size=1, max_size=6))
def test_ranges_read_like_a_naive_reader_reads_them(ranges: list[tuple[int, int]]) -> None:
    expected = [seed for first, more in ranges for seed in range(first, first + more + 1)]
    text = ",".join(f"{first}-{first + more}" if more else str(first) for first, more in ranges)
    if len(set(expected)) == len(expected):
        assert list(parse_seeds(text)) == expected
    else:
        with pytest.raises(UsageError, match="is named twice"):
            parse_seeds(text)


@pytest.mark.parametrize(
    ("text", "seeds"),
    [
        ("3", (3,)),
        ("0", (0,)),
        ("1-3", (1, 2, 3)),
        ("7-7", (7,)),
        ("9,1,4-6", (9, 1, 4, 5, 6)),
        (" 1 - 3 , 8 ", (1, 2, 3, 8)),
    ],
)
def test_examples(text: str, seeds: tuple[int, ...]) -> None:
    assert parse_seeds(text) == seeds


@pytest.mark.parametrize(
    ("seeds", "text"), [((1, 2, 3, 7), "1-3,7"), ((7, 3, 2, 1), "1-3,7"), ((4,), "4"), ((1, 3), "1,3"), ((), "")]
)
def test_the_shortest_way_to_write_them(seeds: tuple[int, ...], text: str) -> None:
    assert format_seeds(seeds) == text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "seeds: '' is not a list of seeds; write it like 1-10 or 1,4,7-9"),
        ("1,", "seeds: '1,' is not a list of seeds; write it like 1-10 or 1,4,7-9"),
        ("-1", "seeds: '-1' is not a list of seeds; write it like 1-10 or 1,4,7-9"),
        ("1..3", "seeds: '1..3' is not a list of seeds; write it like 1-10 or 1,4,7-9"),
        ("1.5", "seeds: '1.5' is not a list of seeds; write it like 1-10 or 1,4,7-9"),
        ("$(id)", "seeds: '$(id)' is not a list of seeds; write it like 1-10 or 1,4,7-9"),
        ("10-1", "seeds: the range 10-1 runs backwards; write 1-10"),
        ("1-5,3", "seeds: seed 3 is named twice in '1-5,3'"),
        ("1-1000000", "seeds: 1-1000000 are 1000000 seeds; at most 100000"),
        ("0-99999,5", "seeds: seed 5 is named twice in '0-99999,5'"),
    ],
)
def test_errors_say_what_to_write(text: str, message: str) -> None:
    with pytest.raises(UsageError) as error:
        parse_seeds(text)
    assert str(error.value) == message


def test_an_error_names_the_option() -> None:
    with pytest.raises(UsageError, match=r"^--seeds: 'x' is not a list"):
        parse_seeds("x", "--seeds")
