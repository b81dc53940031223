"""Posting to GitHub: a comment that is kept up to date, the job's summary, and the verdict of another workflow run."""

from rlops.report.github.api import GitHubError
from rlops.report.github.artifact import verdict_of_run
from rlops.report.github.comment import LONGEST_COMMENT, post_comment
from rlops.report.github.summary import LONGEST_SUMMARY, append_summary

__all__ = [
    "LONGEST_COMMENT",
    "LONGEST_SUMMARY",
    "GitHubError",
    "append_summary",
    "post_comment",
    "verdict_of_run",
]
