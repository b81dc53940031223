"""The format of `.wandb` files: a LevelDB log. Bytes to records, whatever happened to the bytes.

After the header the file is cut into blocks of 32 KiB, counted from its first byte. A block holds chunks: crc32 of the
type and the data, length, type, data. A record is one chunk, or several where it does not fit into the rest of a block.
Nothing marks where a chunk begins: after a damaged one only the next block is sure.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

MARK = b":W&B\xe1\xbe"
VERSION = b"\0"
HEADER = MARK + VERSION
BLOCK = 32 * 1024
DAMAGED, FULL, FIRST, MIDDLE, LAST = range(5)

_CHUNK = struct.Struct("<IHB")
_TYPE_AT = 6
"""Where the type stands in a chunk, which is where the checksum begins."""


class NotALogError(ValueError):
    """The bytes are no log of this format; the text says why."""


@dataclass
class TransactionLog:
    """The whole records of a file, in its order.

    `gaps` are the indices in `records` before which something was lost, rising; `damaged_blocks` were left out from
    their damage on. `torn`: the file ends inside a record.
    """

    records: list[bytes] = field(default_factory=list)
    gaps: list[int] = field(default_factory=list)
    damaged_blocks: int = 0
    torn: bool = False

    def note_gap(self) -> None:
        """Something is lost between the last record and the next."""
        if self.gaps[-1:] != [len(self.records)]:
            self.gaps.append(len(self.records))


def read_log(content: bytes) -> TransactionLog:
    """The records in the bytes of a file. Raises NotALogError where it does not begin like one."""
    log = TransactionLog()
    if not content.startswith(HEADER):
        _refuse_another_format(content)
        log.torn = True
        return log
    begun: list[bytes] | None = None
    for kind, data in _chunks(content, log):
        if (
            kind == DAMAGED
            or (kind in {FULL, FIRST} and begun is not None)
            or (kind in {MIDDLE, LAST} and begun is None)
        ):
            log.note_gap()  # here, or in a block that is not there, is the other part of a record
            begun = None
        if kind == FULL:
            log.records.append(data)
        elif kind == FIRST:
            begun = [data]
        elif begun is not None:
            begun.append(data)
            if kind == LAST:
                log.records.append(b"".join(begun))
                begun = None
    log.torn = log.torn or begun is not None
    return log


def _chunks(content: bytes, log: TransactionLog) -> Iterator[tuple[int, bytes]]:
    """Type and data of every sound chunk, (DAMAGED, b"") for the rest of a damaged block."""
    position, size = len(HEADER), len(content)
    while position < size:
        room = BLOCK - position % BLOCK
        if room < _CHUNK.size:
            position += room  # too little for a chunk: the writer filled it up
            continue
        if position + _CHUNK.size > size:
            log.torn = True
            return
        checksum, length, kind = _CHUNK.unpack_from(content, position)
        end = position + _CHUNK.size + length
        if end > size and length <= room - _CHUNK.size:
            log.torn = True
            return
        fits = FULL <= kind <= LAST and length <= room - _CHUNK.size
        if fits and zlib.crc32(content[position + _TYPE_AT : end]) == checksum:
            yield kind, content[position + _CHUNK.size : end]
            position = end
        else:
            log.damaged_blocks += 1
            yield DAMAGED, b""
            position += room


def _refuse_another_format(content: bytes) -> None:
    if HEADER.startswith(content):
        return
    if content.startswith(MARK):
        raise NotALogError(f"it is of version {content[len(MARK)]} of the format, and only version 0 is known")
    raise NotALogError("it does not begin as the client begins its files")
