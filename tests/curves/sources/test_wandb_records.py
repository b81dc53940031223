"""What the records of a file say: against the client's own schema, and against its own reader."""

import json
import math
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from google.protobuf.descriptor_pb2 import FieldDescriptorProto
from hypothesis import given
from hypothesis import strategies as st

from rlops.curves.history import columns_of
from rlops.curves.sources.transaction_log import BLOCK, read_log
from rlops.curves.sources.wandb_records import RunRecords, read_records
from rlops.curves.sources.wandb_schema import ONEOFS, SCHEMA
from tests.curves.sources.oracle import assert_read_alike
from tests.curves.sources.wandb_writer import field, log_of, record, run_records
from tests.integration.wandb_standin.children import hermetic_environment

ON_THE_WIRE = {"bytes": {"TYPE_STRING", "TYPE_BYTES", "TYPE_MESSAGE"}}


def read(records: Sequence[bytes]) -> RunRecords:
    return read_records(read_log(log_of(list(records))))


def listed(run: RunRecords) -> dict[str, list[tuple[int, float]]]:
    """Every column as its (row, value) pairs."""
    return {
        name: list(zip(column.rows.tolist(), column.values.tolist(), strict=True))
        for name, column in run.columns.items()
    }


@pytest.fixture(scope="module")
def theirs() -> Any:
    """The protobuf classes of the client that is installed."""
    from wandb.proto import wandb_internal_pb2

    return wandb_internal_pb2


class TestSchema:
    """A new client that writes something else is noticed here."""

    @pytest.mark.parametrize("message", [name for name in SCHEMA if name not in {"File", "Timestamp"}])
    def test_every_field_is_the_client_s(self, theirs: Any, message: str) -> None:
        fields = getattr(theirs, message).DESCRIPTOR.fields_by_name
        for name, (number, declared) in SCHEMA[message].items():
            kind = declared.removeprefix("repeated ")
            allowed = {"TYPE_MESSAGE"} if kind in SCHEMA else ON_THE_WIRE.get(kind, {f"TYPE_{kind.upper()}"})
            there = fields[name]
            assert there.number == number, name
            assert FieldDescriptorProto.Type.Name(there.type) in allowed, name
            assert there.is_repeated == (kind != declared), name
            assert kind not in SCHEMA or there.message_type.name == kind, name

    def test_of_one_kind_there_is_one(self, theirs: Any) -> None:
        for message, oneof in (("Record", "record_type"), ("HistoryItem", "value")):
            alternatives = {there.name for there in getattr(theirs, message).DESCRIPTOR.oneofs_by_name[oneof].fields}
            assert set(ONEOFS[message]) <= alternatives

    def test_a_value_can_be_nowhere_else(self, theirs: Any) -> None:
        assert set(theirs.HistoryItem.DESCRIPTOR.fields_by_name) == {*SCHEMA["HistoryItem"], "none", "text"}
        assert set(theirs.ConfigItem.DESCRIPTOR.fields_by_name) == set(SCHEMA["ConfigItem"])
        assert set(theirs.ConfigRecord.DESCRIPTOR.fields_by_name) == {*SCHEMA["ConfigRecord"], "_info"}

    def test_what_the_client_packs_is_unpacked(self, theirs: Any) -> None:
        run = theirs.Record(num=1, run=theirs.RunRecord(run_id="a", run_group="g", tags=["x", "y"]))
        run.run.start_time.seconds, run.run.start_time.nanos = 1_700_000_000, 500_000_000
        run.run.config.update.add(key="seed", value_json="3")
        row = theirs.Record(num=2)
        for name, value in {"integer": -7, "number": 0.1, "boolean": False, "json": "4e1", "text": "5"}.items():
            row.history.item.add(nested_key=["typed", name], **{name: value})
        row.history.item.add(nested_key=["typed", "none"], none=0)
        end = theirs.Record(num=3, exit=theirs.RunExitRecord(exit_code=3))
        found = read([message.SerializeToString() for message in (run, row, end)])
        assert (found.tags, found.group, found.started_at, found.exit_code) == (("x", "y"), "g", 1_700_000_000.5, 3)
        assert found.config == {"seed": 3}
        assert {name: pairs[0][1] for name, pairs in listed(found).items()} == {
            "typed.integer": -7.0, "typed.number": 0.1, "typed.boolean": 0.0, "typed.json": 40.0,
        }  # fmt: skip


class TestRows:
    @pytest.mark.parametrize(
        ("text", "value"),
        [
            ("3", 3.0), ("-0.25", -0.25), ("1e+30", 1e30), ("1e-320", 1e-320), ("true", 1.0), ("false", 0.0),
            ("NaN", math.nan), ("-Infinity", -math.inf), ('"NaN"', math.nan), ('"Infinity"', math.inf),
            ("1" * 400, math.inf), ("0." + "3" * 200, 1 / 3), ("0." + "3" * 6300, 1 / 3),
        ],
    )  # fmt: skip
    def test_a_number(self, text: str, value: float) -> None:
        found = read(run_records([{"a": text}] * 3)).columns["a"]
        assert found.rows.tolist() == [0, 1, 2]
        assert np.array_equal(found.values, [value] * 3, equal_nan=True)

    @pytest.mark.parametrize("text", ['"text"', "null", "[1, 2]", '{"a": 1}', '"' + "x" * 300 + '"', ""])
    def test_what_is_no_number_is_left_out(self, text: str) -> None:
        assert listed(read(run_records([{"a": "1"}, {"a": text}, {"a": "2"}]))) == {"a": [(0, 1.0), (2, 2.0)]}

    def test_nested_keys_are_joined_by_dots(self) -> None:
        rows = [{("a", "b"): "1", "c": "2"}, {"a.b": "3"}]
        assert listed(read(run_records(rows))) == {"a.b": [(0, 1.0), (1, 3.0)], "c": [(0, 2.0)]}

    def test_of_a_key_that_a_row_has_twice_the_last_value_stands(self) -> None:
        rows = [{("a", "b"): "1", "a.b": "2"}, {"a.b": "3", ("a", "b"): "4"}]
        assert listed(read(run_records(rows))) == {"a.b": [(0, 2.0), (1, 4.0)]}

    @pytest.mark.parametrize("key", ["✓\u2028", "k" * 70_000, "", "\x02\x01", "ĂĂ\x01\x01", 'a"b'])
    def test_keys_of_every_kind(self, key: str) -> None:
        assert listed(read(run_records([{key: "1"}, {key: "2"}]))) == {key: [(0, 1.0), (1, 2.0)]}

    def test_a_key_in_which_a_value_seems_to_begin(self, theirs: Any) -> None:
        row = theirs.Record()
        row.history.item.add(key="Ă\x01x", value_json="5")
        row.history.item.add(key="Ă\x01\t", number=(number := struct.unpack("<d", b"12345678")[0]))
        assert listed(read([row.SerializeToString()])) == {"Ă\x01x": [(0, 5.0)], "Ă\x01\t": [(0, number)]}

    def test_a_value_that_stands_before_its_key(self) -> None:
        rows = [record(number, 2, field(1, field(16, str(number)) + field(1, "a"))) for number in (1, 2)]
        assert listed(read(rows)) == {"a": [(0, 1.0), (1, 2.0)]}

    def test_a_field_that_a_later_client_adds_is_passed_over(self) -> None:
        rows = [
            record(number, 2, field(1, field(1, "a") + field(16, str(number)) + field(40, "new"))) for number in (1, 2)
        ]
        assert listed(read(rows)) == {"a": [(0, 1.0), (1, 2.0)]}

    @given(
        st.lists(st.dictionaries(st.text(max_size=6), st.floats(width=64) | st.integers(-(2**60), 2**60), max_size=5))
    )
    def test_rows_come_back_as_they_were_logged(self, rows: list[dict[str, float]]) -> None:
        found = read(run_records([{key: json.dumps(value) for key, value in row.items()} for row in rows])).columns
        expected = columns_of(rows)
        assert set(found) == set(expected)
        for key, column in expected.items():
            assert np.array_equal(found[key].rows, column.rows)
            assert np.array_equal(found[key].values, column.values, equal_nan=True)


class TestConfig:
    def test_later_records_change_earlier_ones(self) -> None:
        def change(*parts: bytes) -> bytes:
            return b"".join(parts)

        records = [
            *run_records([], {"a": 1, "b": {"c": [1, None]}, "gone": 2}, exit_code=None),
            record(2, 5, change(field(1, field(1, "a") + field(16, "Infinity")), field(2, field(1, "gone")))),
            record(3, 5, field(1, field(2, "b") + field(2, "d") + field(16, '"x"'))),
            record(4, 5, change(field(2, field(2, "n") + field(2, "m")), field(2, field(2, "b") + field(2, "c")))),
        ]
        assert read(records).config == {"a": "Infinity", "b": {"d": "x"}, "n": {}}

    @pytest.mark.parametrize("value", ["{", "", "[" * 100_000])
    def test_what_is_not_json_is_counted_as_lost(self, value: str) -> None:
        records = [*run_records([{"_step": "1"}]), record(9, 5, field(1, field(1, "a") + field(16, value)))]
        found = read(records)
        assert (found.config, found.exit_code) == ({}, 0)
        assert found.lost == "1 record that cannot be decoded left out: after _step 1"


class TestLoss:
    """The words for what is missing."""

    ROWS: Sequence[Mapping[Any, str]] = [{"_step": str(10 * k), "text": json.dumps("x" * 1000)} for k in range(100)]

    def damaged(self, *at: int) -> RunRecords:
        content = bytearray(log_of(run_records(self.ROWS)))
        for place in at:
            content[place] ^= 1
        return read_records(read_log(bytes(content)))

    def test_where_the_steps_jump_and_how_many_records_are_gone(self) -> None:
        found = self.damaged(BLOCK + 5000)
        steps = found.columns["_step"].values
        (gap,) = np.flatnonzero(np.diff(steps) > 10)
        before, after = int(steps[gap]), int(steps[gap + 1])
        missing = (after - before) // 10 - 1
        assert (
            found.lost
            == f"1 damaged block of 32 KiB left out: _step jumps from {before} to {after} ({missing} records)"
        )
        assert found.torn is None

    def test_several_places(self) -> None:
        found = self.damaged(50, 2 * BLOCK + 5000, 3 * BLOCK + 5000)
        steps = found.columns["_step"].values
        (gap,) = np.flatnonzero(np.diff(steps) > 10)
        assert found.lost is not None
        assert [place.partition(" (")[0] for place in found.lost.split(", ")] == [
            f"3 damaged blocks of 32 KiB left out: before _step {steps[0]:.0f}",
            f"_step jumps from {steps[gap]:.0f} to {steps[gap + 1]:.0f}",
            f"after _step {steps[-1]:.0f}",
        ]

    def test_of_many_places_the_first_are_named(self) -> None:
        rows = [
            record(k, 2, field(1, field(1, "_step") + field(16, str(k)) if k % 2 else b"\xff")) for k in range(1, 21)
        ]
        found = read(rows)
        assert found.lost == (
            "10 records that cannot be decoded left out: _step jumps from 1 to 3 (1 record), "
            "_step jumps from 3 to 5 (1 record), _step jumps from 5 to 7 (1 record) and 7 places more"
        )

    def test_a_record_that_is_none_costs_no_other(self) -> None:
        records = run_records(self.ROWS)
        found = read([*records[:51], b"\xff\xff", *records[51:]])
        assert found.columns["_step"].values.tolist() == list(range(0, 1000, 10))
        assert found.lost == "1 record that cannot be decoded left out: _step jumps from 490 to 500"

    def test_a_torn_file_says_what_is_known(self) -> None:
        content = log_of(run_records(self.ROWS))
        found = read_records(read_log(content[:50_000]))
        last = found.columns["_step"].values[-1]
        assert found.torn == f"the file ends inside a record: nothing is known after _step {last:.0f}"
        assert read_records(read_log(content[:20])).torn == "the file ends inside a record"

    def test_where_no_row_is_left(self) -> None:
        content = bytearray(log_of(run_records([{"_step": "1"}])))
        content[len(content) // 2] ^= 1
        assert read_records(read_log(bytes(content))).lost == (
            "1 damaged block of 32 KiB left out: no _step is left to tell where"
        )

    @given(st.lists(st.tuples(st.floats(0, 1), st.binary(min_size=1, max_size=60)), min_size=1, max_size=4))
    def test_whatever_is_overwritten_no_row_is_made_up(self, damage: list[tuple[float, bytes]]) -> None:
        whole = log_of(run_records(self.ROWS))
        content = bytearray(whole)
        for share, garbage in damage:
            at = 7 + int(share * (len(whole) - 7))
            content[at : at + len(garbage)] = garbage
        found = read_records(read_log(bytes(content[: len(whole)])))
        steps = found.columns["_step"].values if "_step" in found.columns else np.array([])
        assert set(steps.tolist()) <= set(range(0, 1000, 10))
        assert (np.diff(steps) > 0).all()
        assert steps.size == 100 or found.lost or found.torn

    @given(st.lists(st.binary(max_size=60)), st.data())
    def test_no_record_crashes_the_reader(self, garbage: list[bytes], data: st.DataObject) -> None:
        numbers = st.sampled_from([2, 5, 17, 18])
        kinds = [record(1, data.draw(numbers), content) for content in garbage]
        items = [record(1, 2, field(1, content)) for content in garbage]
        found = read([*garbage, *kinds, *items, *run_records([{"mine": "1"}])])
        assert found.columns["mine"].values.tolist() == [1.0]
        assert found.exit_code == 0


def test_the_client_reads_what_the_tests_write_alike(tmp_path: Path) -> None:
    rows = [{"_step": str(k), ("a", "b"): f"{k}.5", "wide": json.dumps("x" * 700)} for k in range(200)]
    file = tmp_path / "run-x.wandb"
    file.write_bytes(log_of(run_records(rows, {"seed": 1, "nested": {"a": [None]}}, exit_code=3)))
    assert_read_alike(file, hermetic_environment(tmp_path))
    found = read_records(read_log(file.read_bytes()))
    assert (len(found.columns["a.b"].rows), found.exit_code, found.lost) == (200, 3, None)
