"""Files as a disk or a killed process leaves them."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlops.curves.sources.transaction_log import BLOCK, HEADER, NotALogError, TransactionLog, read_log
from tests.curves.sources import wandb_writer

SIZES = st.lists(st.one_of(st.integers(0, 400), st.integers(BLOCK - 40, BLOCK + 40), st.integers(0, 3 * BLOCK)))
DAMAGE = st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.binary(min_size=1, max_size=60)), max_size=4)


def numbered(sizes: list[int]) -> list[bytes]:
    """Records of at least these sizes, no two alike."""
    return [(b"%d " % number).ljust(size, bytes([number % 251])) for number, size in enumerate(sizes)]


def placed(records: list[bytes]) -> list[range]:
    """The bytes of the file that each record takes, the headers of its chunks with it."""
    ends = [len(wandb_writer.log_of(records[:count])) for count in range(len(records) + 1)]
    return [range(start, end) for start, end in pairwise(ends)]


def blocks(span: range) -> set[int]:
    return set(range(span.start // BLOCK, (span.stop - 1) // BLOCK + 1))


@given(SIZES)
def test_a_sound_file_gives_back_its_records(sizes: list[int]) -> None:
    records = numbered(sizes)
    assert read_log(wandb_writer.log_of(records)) == TransactionLog(records)


@given(SIZES, st.floats(0, 1))
def test_of_a_torn_file_every_whole_record_is_read_and_the_end_noted(sizes: list[int], share: float) -> None:
    records = numbered(sizes)
    content = wandb_writer.log_of(records)
    cut = int(share * len(content))
    log = read_log(content[:cut])
    whole = [record for record, span in zip(records, placed(records), strict=True) if span.stop <= cut]
    assert (log.records, log.gaps, log.damaged_blocks) == (whole, [], 0)
    ends = {len(HEADER), *(span.stop for span in placed(records))}
    if cut in ends:
        assert not log.torn
    elif not any(set(range(end, end + 7)) & {cut} for end in ends):  # there may be only the filling of a block
        assert log.torn


@given(SIZES, DAMAGE)
def test_whatever_is_overwritten_other_blocks_are_read_and_nothing_is_made_up(
    sizes: list[int], damage: list[tuple[float, bytes]]
) -> None:
    records = numbered(sizes)
    whole = wandb_writer.log_of(records)
    content = bytearray(whole)
    for share, garbage in damage:
        at = len(HEADER) + int(share * (len(content) - len(HEADER)))
        content[at : at + len(garbage)] = garbage
    content = content[: len(whole)]
    hit = {place // BLOCK for place in range(len(whole)) if content[place] != whole[place]}
    log = read_log(bytes(content))
    surviving = [r for r, span in zip(records, placed(records), strict=True) if not blocks(span) & hit]
    remaining = iter(records)
    assert all(record in remaining for record in log.records)  # a part of them, in their order
    assert set(surviving) <= set(log.records)
    assert log.damaged_blocks <= len(hit)
    if len(log.records) < len(records):
        assert log.gaps or log.torn
    if not hit:
        assert (log.gaps, log.torn) == ([], False)


@given(st.binary(max_size=3 * BLOCK))
def test_no_bytes_crash_the_reader(garbage: bytes) -> None:
    assert read_log(HEADER + garbage).records == []


def test_a_gap_is_where_the_records_are_missing() -> None:
    records = numbered([1000] * 100)
    content = bytearray(wandb_writer.log_of(records))
    content[BLOCK + 100] ^= 1
    log = read_log(bytes(content))
    first = next(number for number, span in enumerate(placed(records)) if 1 in blocks(span))
    assert log.gaps == [first]
    assert log.records[:first] == records[:first]
    assert log.records[first] == records[next(n for n, span in enumerate(placed(records)) if min(blocks(span)) == 2)]
    assert (log.damaged_blocks, log.torn) == (1, False)


IN_FIRST_BLOCK = BLOCK - len(HEADER) - 7


@pytest.mark.parametrize(
    ("sizes", "left", "gaps"),
    [((IN_FIRST_BLOCK, 3 * BLOCK, 9), [0, 2], [1]), ((IN_FIRST_BLOCK + BLOCK - 7, 9), [1], [0])],
    ids=["an end without a beginning", "a beginning without an end"],
)
def test_a_block_that_is_not_there_is_a_gap(sizes: tuple[int, ...], left: list[int], gaps: list[int]) -> None:
    records = numbered(list(sizes))
    content = wandb_writer.log_of(records)
    log = read_log(content[:BLOCK] + content[2 * BLOCK :])
    assert log == TransactionLog([records[number] for number in left], gaps)


def test_a_record_that_ends_with_its_block_and_was_to_go_on_is_torn() -> None:
    records = numbered([10, 2 * BLOCK])
    assert read_log(wandb_writer.log_of(records)[:BLOCK]) == TransactionLog(records[:1], torn=True)


@pytest.mark.parametrize("content", [b"", HEADER[:3]])
def test_a_file_that_was_hardly_begun_is_torn(content: bytes) -> None:
    assert read_log(content) == TransactionLog(torn=True)


@pytest.mark.parametrize(
    ("content", "why"),
    [(b"not a log", "does not begin as the client"), (HEADER[:-1] + b"\1", "is of version 1 of the format")],
)
def test_another_format_is_refused(content: bytes, why: str) -> None:
    with pytest.raises(NotALogError, match=why):
        read_log(content)
