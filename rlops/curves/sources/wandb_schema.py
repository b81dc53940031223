"""The part of the client's protobuf schema that is read here, by field number; a test holds it against the client's.

The client's classes are not used: they move from one version to the next, and importing them imports all of wandb.
"""

from typing import Any

from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto  # type: ignore[import-untyped]
from google.protobuf.descriptor_pool import DescriptorPool  # type: ignore[import-untyped]
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from google.protobuf.message_factory import GetMessageClass  # type: ignore[import-untyped]

__all__ = ["MESSAGES", "ONEOFS", "SCHEMA", "DecodeError"]

SCHEMA: dict[str, dict[str, tuple[int, str]]] = {
    "Record": {
        "num": (1, "int64"),
        "history": (2, "HistoryRecord"),
        "config": (5, "ConfigRecord"),
        "run": (17, "RunRecord"),
        "exit": (18, "RunExitRecord"),
    },
    "HistoryRecord": {"item": (1, "repeated bytes")},
    "HistoryItem": {
        "key": (1, "string"),
        "nested_key": (2, "repeated string"),
        "boolean": (4, "bool"),
        "integer": (5, "sint64"),
        "number": (6, "double"),
        "json": (8, "bytes"),
        "value_json": (16, "bytes"),
    },
    "ConfigRecord": {"update": (1, "repeated ConfigItem"), "remove": (2, "repeated ConfigItem")},
    "ConfigItem": {"key": (1, "string"), "nested_key": (2, "repeated string"), "value_json": (16, "string")},
    "RunRecord": {
        "config": (4, "ConfigRecord"),
        "run_group": (6, "string"),
        "tags": (10, "repeated string"),
        "start_time": (17, "Timestamp"),
    },
    "RunExitRecord": {"exit_code": (1, "int32")},
    "Timestamp": {"seconds": (1, "int64"), "nanos": (2, "int32")},
    "File": {"record": (1, "repeated Record")},
}
"""Message -> field -> (number, type). `File` is ours: all records at once. Items of rows stay bytes until
somebody needs more of them."""

ONEOFS = {"Record": ("history", "config", "run", "exit"), "HistoryItem": ("boolean", "integer", "number", "json")}
"""Fields of which a message has one: only so is `false` or 0 told from nothing."""


def _messages() -> dict[str, Any]:
    """The classes of SCHEMA, in a pool of their own."""
    file = FileDescriptorProto(name="rlops/wandb_records.proto", package="rlops", syntax="proto3")
    for message, fields in SCHEMA.items():
        described = file.message_type.add(name=message)
        one_of = ONEOFS.get(message, ())
        if one_of:
            described.oneof_decl.add(name="one")
        for name, (number, declared) in fields.items():
            label, kind = (
                ("LABEL_REPEATED", declared[9:]) if declared[:9] == "repeated " else ("LABEL_OPTIONAL", declared)
            )
            entry = described.field.add(name=name, number=number, label=label)
            if kind in SCHEMA:
                entry.type, entry.type_name = FieldDescriptorProto.TYPE_MESSAGE, f".rlops.{kind}"
            else:
                entry.type = FieldDescriptorProto.Type.Value(f"TYPE_{kind.upper()}")
            if name in one_of:
                entry.oneof_index = 0
    pool = DescriptorPool()
    pool.Add(file)
    return {name: GetMessageClass(pool.FindMessageTypeByName(f"rlops.{name}")) for name in SCHEMA}


MESSAGES = _messages()
