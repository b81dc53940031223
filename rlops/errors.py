"""Exit codes, and the errors that own them.

    RlopsError            something a user can mend; says what, where and the next thing to do
    |- UsageError         2   the command line, a benchmark file or a reference is wrong
    |- RunsFailedError    4   runs failed or are missing
    `- NoBaselineError    5   there is no baseline, or the two sides cannot be compared

Everything else that escapes is a bug in rlops (70).
"""

import enum


class ExitCode(enum.IntEnum):
    """What the process exit code of `rlops` means."""

    PASS = 0
    """identical, equivalent or improved"""
    REGRESSED = 1
    """the candidate learns worse, proven"""
    USAGE = 2
    """the command line or a configuration is wrong"""
    INCONCLUSIVE = 3
    """neither harm nor harmlessness is proven"""
    FAILED = 4
    """runs failed or are missing"""
    NOT_COMPARABLE = 5
    """there is no baseline, or the two sides cannot be compared"""
    BUG = 70
    """rlops itself failed"""
    SIGINT = 130
    """interrupted from the keyboard"""
    SIGTERM = 143
    """asked to end"""


class RlopsError(Exception):
    """An error that a user can mend: its text says what is wrong, where, and the next thing to do."""

    exit_code = ExitCode.USAGE


class UsageError(RlopsError):
    """The command line, a benchmark file or a run-set reference is wrong."""


class RunsFailedError(RlopsError):
    """Runs failed or are missing."""

    exit_code = ExitCode.FAILED


class NoBaselineError(RlopsError):
    """There is no baseline, or the two sides cannot be compared."""

    exit_code = ExitCode.NOT_COMPARABLE
