"""The typer application and how errors become messages and exit codes."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable
from typing import Annotated, Any

import typer

from triage import __version__
from triage.cli import patient, tools
from triage.errors import TriageError, UsageError

COMMANDS: dict[str, tuple[Callable[..., Any], str]] = {**patient.COMMANDS, **tools.COMMANDS}  # name -> function, its example


def build(only: str | None = None) -> typer.Typer:
    """The application with all commands, or with one: reading the options of all of them would cost each answer 12 ms."""
    app = typer.Typer(
        name="triage",
        help="A simulated triage assistant for rural clinics. It learns only from synthetic patients and is not for patient care.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    app.callback()(main)
    for name, (function, example) in COMMANDS.items():
        if only is None or name == only:
            app.command(name, epilog=f"Example: triage {example}")(function)
    return app


def _version(value: bool) -> None:
    if value:
        typer.echo(f"triage {__version__}")
        raise typer.Exit


def main(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")] = False,
) -> None:
    """A simulated triage assistant for rural clinics; not for patient care."""


def run(arguments: list[str] | None = None) -> int:
    """Runs the command line and returns its exit code: 0 answered, 1 could not answer, 2 wrong usage, 3 urgent with --exit-code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A console that cannot show a character (cp936, cp949) must not lose the answer.
            stream.reconfigure(errors="replace")
    given = sys.argv[1:] if arguments is None else arguments
    first = given[0] if given else None
    try:
        result = build(first if first in COMMANDS else None)(args=given, prog_name="triage", standalone_mode=False)
    except UsageError as error:
        return _fail(str(error), 2)
    except TriageError as error:
        return _fail(str(error), 1)
    except (typer.Abort, KeyboardInterrupt):
        return _fail("Stopped.", 130)
    except BrokenPipeError:
        # The reader of a pipe has gone; that is its business, not an error of ours.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:  # the last resort: never a traceback, which could hold patient text
        if hasattr(error, "exit_code") and hasattr(error, "show"):
            # Wrong usage as click reports it; which click (typer's own or the package) depends on typer's version, and importing it costs 25 ms.
            error.show()
            return int(error.exit_code)
        if os.environ.get("TRIAGE_DEBUG"):
            raise
        return _fail(
            f"Internal error ({type(error).__name__}{_place(error)}). Nothing was answered. Run with TRIAGE_DEBUG=1 for details.", 1
        )
    return result if isinstance(result, int) else 0


def _place(error: Exception) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return "" if trace is None else f" in {os.path.basename(trace.tb_frame.f_code.co_filename)} line {trace.tb_lineno}"


def _fail(message: str, code: int) -> int:
    typer.echo(f"triage: {message}", err=True)
    return code
