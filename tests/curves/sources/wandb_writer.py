"""A writer of `.wandb` files. Of the standard library alone: the quick trainers of tests/versions run its text."""

import json
import struct
import zlib

HEADER = b":W&B\xe1\xbe\0"
BLOCK = 32 * 1024


def varint(number):
    parts = []
    while number > 127:
        parts.append(number & 127 | 128)
        number >>= 7
    return bytes([*parts, number])


def field(number, data):
    """A protobuf field of bytes, text or a message."""
    data = data.encode() if isinstance(data, str) else data
    return varint(number << 3 | 2) + varint(len(data)) + data


def items(number, values):
    """A repeated field of keys and the JSON texts of their values; (a, b) as a key is nested."""
    keys = {
        key: b"".join(field(2, part) for part in key) if isinstance(key, tuple) else field(1, key) for key in values
    }
    return b"".join(field(number, keys[key] + field(16, text)) for key, text in values.items())


def record(number, kind, content):
    return b"\x08" + varint(number) + field(kind, content)


def run_records(rows, config=None, exit_code=0):
    """The records of a run; values are JSON texts. exit_code None: it has no end."""
    config = {key: json.dumps(value) for key, value in (config or {}).items()}
    contents = [(17, field(4, items(1, config))), *((2, items(1, row)) for row in rows)]
    if exit_code is not None:
        contents.append((18, b"\x08" + varint(exit_code)))
    return [record(number, *content) for number, content in enumerate(contents, start=1)]


def log_of(records):
    """The file with these records: chunks of at most what is left of a block."""
    content = bytearray(HEADER)
    for data in records:
        first = True
        while first or data:
            room = BLOCK - len(content) % BLOCK
            if room < 7:
                content += bytes(room)
                continue
            part, data = data[: room - 7], data[room - 7 :]
            kind = bytes([(1 if first else 4) if not data else (2 if first else 3)])
            content += struct.pack("<IH", zlib.crc32(kind + part), len(part)) + kind + part
            first = False
    return bytes(content)
