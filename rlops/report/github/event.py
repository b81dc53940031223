"""Which pull request a job belongs to. Only GitHub's own event says so, never a file that the pull request made."""

from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from rlops.report.github.api import Api, GitHubError


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class _Repository(_Part):
    id: int
    full_name: str | None = None


class _Owner(_Part):
    login: str


class _HeadRepository(_Repository):
    owner: _Owner


class _End(_Part):
    sha: str
    repo: _Repository | None = None


class _PullRequest(_Part):
    number: int
    head: _End
    base: _End


class _Issue(_Part):
    number: int
    pull_request: dict[str, object] | None = None


class _WorkflowRun(_Part):
    id: int
    head_sha: str
    head_branch: str | None = None
    head_repository: _HeadRepository | None = None
    pull_requests: tuple[_PullRequest, ...] = ()


class Event(_Part):
    """What GitHub says about why the job runs."""

    repository: _Repository | None = None
    pull_request: _PullRequest | None = None
    issue: _Issue | None = None
    workflow_run: _WorkflowRun | None = None

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "Event":
        """That of this job."""
        path = environment.get("GITHUB_EVENT_PATH", "")
        try:
            return cls.model_validate_json(Path(path).read_bytes())
        except (OSError, ValidationError):
            raise GitHubError(f"GITHUB_EVENT_PATH ('{path}') holds no event of GitHub's") from None

    @property
    def from_fork(self) -> bool:
        """Another repository's code was run by the workflow run that this job follows."""
        run, here = self.workflow_run, self.repository
        return run is not None and (here is None or run.head_repository is None or run.head_repository.id != here.id)

    def pull_request_number(self, name: str, api: Api) -> int:
        """The number of the pull request; raises GitHubError where there is none."""
        if name in {"pull_request", "pull_request_target"} and self.pull_request:
            return self.pull_request.number
        if name == "issue_comment" and self.issue and self.issue.pull_request is not None:
            return self.issue.number
        if name == "workflow_run" and self.workflow_run:
            return self._followed(self.workflow_run, api)
        raise GitHubError(f"the event '{name}' belongs to no pull request; leave the comment out (--no-comment)")

    def _followed(self, run: _WorkflowRun, api: Api) -> int:
        """That of the workflow run; for forks GitHub leaves the list in the event empty."""
        here = self.repository.id if self.repository else None
        listed = [item for item in run.pull_requests if item.base.repo is None or item.base.repo.id == here]
        if not listed and run.head_repository and run.head_branch:
            head = f"{run.head_repository.owner.login}:{run.head_branch}"
            listed = list(api.pages("/pulls", _PullRequest, state="open", head=head))
        numbers = [item.number for item in listed if item.head.sha == run.head_sha]
        if len(numbers) == 1:
            return numbers[0]
        which = "several open pull requests have" if numbers else "no open pull request has (any more)"
        raise GitHubError(
            f"{which} the commit {run.head_sha[:7]} of workflow run {run.id} as its head: nothing is posted"
        )
