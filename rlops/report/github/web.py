"""One request and its answer, on the standard library: limits on time and size, and no redirect is ever followed."""

import http.client
import time
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.error import URLError

SECONDS = 20.0
"""The longest silence (arbitrary)."""
SECONDS_IN_ALL = 120.0
"""The longest answer (arbitrary)."""
CHUNK = 1 << 16


class NoAnswerError(Exception):
    """Nothing came back, or not all of it; the text says why."""


@dataclass(frozen=True)
class Answer:
    """What came back, whatever its status."""

    status: int
    headers: Mapping[str, str]
    content: bytes


class _AnyStatus(urllib.request.HTTPErrorProcessor):
    """urllib follows redirects with all headers, the token among them, and turns a POST into a GET on the way."""

    def http_response(self, request: urllib.request.Request, response: http.client.HTTPResponse) -> object:  # noqa: ARG002
        """The answer as it is: neither an exception nor another request."""
        return response

    https_response = http_response


def ask(
    url: str, most: int, method: str = "GET", headers: Mapping[str, str] | None = None, body: bytes | None = None
) -> Answer:
    """The answer to one request, at most `most` bytes of it; raises NoAnswerError."""
    until = time.monotonic() + SECONDS_IN_ALL
    try:
        request = urllib.request.Request(url, body, dict(headers or {}), method=method)  # noqa: S310  (Api checks it)
        with urllib.request.build_opener(_AnyStatus).open(request, timeout=SECONDS) as response:
            return Answer(response.status, response.headers, _read(response, most, until))
    except URLError as error:
        raise NoAnswerError(str(error.reason)) from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise NoAnswerError(f"{type(error).__name__}: {error}") from None


def _read(response: http.client.HTTPResponse, most: int, until: float) -> bytes:
    content = bytearray()
    while chunk := response.read1(CHUNK):
        content += chunk
        if len(content) > most:
            raise NoAnswerError(f"the answer is larger than {most:,} bytes")
        if time.monotonic() > until:
            raise NoAnswerError(f"the answer took longer than {SECONDS_IN_ALL:.0f} s")
    if response.length:
        raise NoAnswerError("the answer broke off")
    return bytes(content)
