"""The command line: parse, call one function, print, exit code; nothing else."""

from __future__ import annotations

import gc
import os
import sys

HEAVY = ("train", "benchmark", "simulate")  # commands that profit from several threads of linear algebra
BRIEF = ("assess", "read")  # commands that end before collecting garbage could pay


def main() -> None:
    """The entry point: runs the command and turns every error into one clear message and an exit code."""
    if len(sys.argv) < 2 or sys.argv[1] not in HEAVY:
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # starting threads costs more than one patient's answer
    if len(sys.argv) > 1 and sys.argv[1] in BRIEF:
        gc.disable()
    from triage.cli.app import run

    sys.exit(run())
