"""GitHub's REST API as far as it is needed here. Every failure is a GitHubError that says what to do."""

import json
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeVar
from urllib.parse import urlencode

from pydantic import TypeAdapter, ValidationError

from rlops.errors import RlopsError
from rlops.report import text
from rlops.report.github.web import Answer, NoAnswerError, ask

PAUSE = 1.0
"""Seconds before the only second try, after a 5xx (arbitrary)."""
PAGE = 100
MOST_PAGES = 30
"""GitHub itself takes no more than 2,500 comments."""
MOST_BYTES = 64 << 20
"""A page of 100 comments of the longest kind has 26 MB."""
REPEATABLE = {"GET", "PATCH"}
"""A POST that failed half way may have made its comment."""

SET_TOKEN = "give the step `env: GITHUB_TOKEN: ${{ github.token }}`"  # noqa: S105  (advice, no token)
NOT_ALLOWED = (
    "the token may not do that. For a pull request from a fork it never may: use the two workflows that docs/ci.md "
    "names for forks. Else the job's permissions lack `pull-requests: write`, or `actions: read` for --from-run"
)
LATER = "run the job again; its summary has the same text"
HINTS = {
    401: f"the token is not valid: {SET_TOKEN}",
    403: NOT_ALLOWED,
    404: NOT_ALLOWED,
    422: "GitHub does not take what was sent; the job's summary has the same text",
}

T = TypeVar("T")


class GitHubError(RlopsError):
    """GitHub refused or did not answer. `status`: that of its answer, if there was one."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Api:
    """One repository at one GitHub, seen with one token. The token is sent to `url` and to no other place."""

    url: str
    repository: str
    token: str = field(repr=False)

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "Api":
        """What the variables of a GitHub job name."""
        url = environment.get("GITHUB_API_URL", "").rstrip("/")
        repository = environment.get("GITHUB_REPOSITORY", "")
        token = environment.get("GITHUB_TOKEN", "").strip()
        if not re.fullmatch(r"https?://[!-~]+", url) or not re.fullmatch(r"[\w.-]+/[\w.-]+", repository, re.ASCII):
            raise GitHubError("GITHUB_API_URL and GITHUB_REPOSITORY name no repository: this is no job of GitHub's")
        if not token:
            raise GitHubError(f"there is no GITHUB_TOKEN: {SET_TOKEN}")
        if not re.fullmatch(r"[!-~]+", token):  # http.client would quote it in its complaint
            raise GitHubError(f"GITHUB_TOKEN has characters that no token has: {SET_TOKEN}")
        return cls(url, repository, token)

    def user(self, answer: type[T]) -> T:
        """Whose token it is; a job's own token may not ask that."""
        return self._understood("GET", "/user", answer)

    def get(self, path: str, answer: type[T], **query: str | int) -> T:
        """What the repository has at `path`."""
        return self._understood("GET", self._path(path, query), answer)

    def pages(self, path: str, item: type[T], **query: str | int) -> Iterator[T]:
        """All items of a list."""
        for page in range(1, MOST_PAGES + 1):
            where = self._path(path, {**query, "per_page": PAGE, "page": page})
            items = self._understood("GET", where, list[item])  # type: ignore[valid-type]
            yield from items
            if len(items) < PAGE:
                return
        raise GitHubError(f"GET {path}: more than {MOST_PAGES * PAGE:,} entries; not all of them were read")

    def send(self, method: str, path: str, body: object, answer: type[T]) -> T:
        """Create or change something of the repository."""
        return self._understood(method, self._path(path), answer, json.dumps(body).encode())

    def download(self, path: str, most: int) -> bytes:
        """A file that GitHub keeps elsewhere: it answers with an address, which is asked without the token."""
        path = self._path(path)
        answer = self._answer("GET", path, most=most)
        if answer.status not in {301, 302, 307, 308}:
            return self._accepted("GET", path, answer).content
        elsewhere = answer.headers.get("Location") or ""
        if not elsewhere.startswith(self.url.partition(":")[0] + "://"):
            raise GitHubError(f"GET {path}: GitHub names no address that can be asked; {LATER}")
        return self._accepted("GET", path, self._asked("GET", path, elsewhere, most)).content

    def _path(self, path: str, query: Mapping[str, str | int] | None = None) -> str:
        return f"/repos/{self.repository}{path}" + (f"?{urlencode(query)}" if query else "")

    def _understood(self, method: str, path: str, form: type[T], body: bytes | None = None) -> T:
        answer = self._accepted(method, path, self._answer(method, path, body))
        try:
            return TypeAdapter(form).validate_json(answer.content)
        except ValidationError as error:
            why = error.errors()[0]
            where = ".".join(map(str, why["loc"]))
            raise GitHubError(
                f"{method} {path}: GitHub's answer makes no sense ({where} {why['type']}); {LATER}"
            ) from None

    def _answer(self, method: str, path: str, body: bytes | None = None, most: int = MOST_BYTES) -> Answer:
        headers = {
            "Accept": "application/vnd.github+json",
            "Authorization": f"Bearer {self.token}",
            "Content-Type": "application/json",
            "User-Agent": "rlops",
            "X-GitHub-Api-Version": "2022-11-28",
        }
        answer = self._asked(method, path, self.url + path, most, headers, body)
        if answer.status < 500 or method not in REPEATABLE:
            return answer
        time.sleep(PAUSE)
        return self._asked(method, path, self.url + path, most, headers, body)

    def _asked(
        self,
        method: str,
        path: str,
        url: str,
        most: int,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Answer:
        try:
            return ask(url, most, method, headers, body)
        except NoAnswerError as error:
            why = text.line(str(error), 200).replace(self.token, "***")
            raise GitHubError(f"{method} {path}: GitHub did not answer ({why}); {LATER}") from None

    def _accepted(self, method: str, path: str, answer: Answer) -> Answer:
        if 200 <= answer.status < 300:
            return answer
        said = text.line(_message(answer), 200).replace(self.token, "***")
        hint = HINTS.get(answer.status, LATER)
        raise GitHubError(
            f"{method} {path}: GitHub answered {answer.status}{said and f' ({said})'}; {hint}", answer.status
        )


def _message(answer: Answer) -> str:
    """The sentence in an error of GitHub's."""
    try:
        return TypeAdapter(dict[str, object]).validate_json(answer.content).get("message", "")  # type: ignore[return-value]
    except ValidationError:
        return ""
