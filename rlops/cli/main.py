"""The command `rlops`: finds the verb, and sees to it that only a proven regression exits with 1."""

import errno
import signal
import sys
import traceback
from importlib import import_module
from types import FrameType
from typing import Never

import click

from rlops import __version__
from rlops.errors import ExitCode, RlopsError

VERBS = {
    "init": "init",
    "doctor": "doctor",
    "plan": "plan",
    "run": "run",
    "status": "status",
    "pull": "pull",
    "compare": "compare",
    "calibrate": "calibrate",
    "gate": "gate",
    "bisect": "bisect",
    "report": "report",
    "publish": "publish",
    "site": "site",
    "baseline": "baseline",
    "prune": "prune",
}
"""Verb -> its module in rlops.cli, imported when it is needed: `rlops --help` must be quick."""
PLACES_CANNOT_BE_USED = {
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.ENOTDIR,
    errno.EISDIR,
    errno.EEXIST,
    errno.ENAMETOOLONG,
    errno.ENOSPC,
    errno.EDQUOT,
}


class Verbs(click.Group):
    """The verbs, each in its own module."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  (click's signature)
        """In the order of a user's way, not of the alphabet."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The verb's command object."""
        if cmd_name not in VERBS:
            return None
        command: click.Command = import_module(f"rlops.cli.{VERBS[cmd_name]}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does it, with a suggestion for a verb that is not there."""
        if args[0] not in VERBS and not args[0].startswith("-"):
            from rlops.plan import did_you_mean

            ctx.fail(f"No such command '{args[0]}'{did_you_mean(args[0], VERBS)}")
        return super().resolve_command(ctx, args)


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="rlops")
def rlops() -> None:
    """The regression test for reinforcement learning.

    Does the new version of the code learn worse? rlops trains it over environments and seeds, compares its learning
    curves with the old version's, and answers with planned error rates.

    \b
    Exit codes: 0 pass (identical, equivalent, improved), 1 regressed, 2 usage or configuration,
    3 inconclusive, 4 runs failed or missing, 5 no baseline or not comparable, 70 a bug in rlops,
    130 interrupted, 143 terminated.
    """


def main() -> Never:
    """Run the command line and exit with one of ExitCode."""
    signal.signal(signal.SIGTERM, _terminated)
    try:
        # Without standalone mode click returns what a verb handed to ctx.exit(), and raises everything else.
        code = rlops.main(standalone_mode=False) or ExitCode.PASS
    except (KeyboardInterrupt, click.Abort):
        _say("interrupted; what had finished is kept, the same command resumes")
        code = ExitCode.SIGINT
    except click.ClickException as error:
        error.show()
        code = ExitCode.USAGE
    except RlopsError as error:
        _say(f"Error: {error}")
        code = error.exit_code
    except SystemExit as leaving:
        # Ours carries 143. Where stdout is closed click leaves with 1, which would read as "regressed".
        code = ExitCode.SIGTERM if leaving.code == ExitCode.SIGTERM else ExitCode.BUG
    except OSError as error:
        code = _system_error(error)
    except Exception:  # noqa: BLE001  (whatever it is, it must not exit with 1: that reads as "regressed")
        code = _bug()
    sys.exit(int(code))


def _system_error(error: OSError) -> ExitCode:
    """A place that cannot be written is the user's to mend; any other system error is our bug."""
    if error.filename is None or error.errno not in PLACES_CANNOT_BE_USED:
        return _bug()
    _say(f"Error: {error.filename}: {error.strerror}; choose another place, or make room there")
    return ExitCode.USAGE


def _bug() -> ExitCode:
    traceback.print_exc()
    _say("This is a bug in rlops, not a verdict on your code. Please report it with the lines above.")
    return ExitCode.BUG


def _terminated(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(int(ExitCode.SIGTERM))


def _say(text: str) -> None:
    click.echo(text, err=True)
