"""Options that several commands share."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer


class Setting(StrEnum):
    """Where the patients come."""

    clinic = "clinic"
    emergency = "emergency"


class Language(StrEnum):
    """Language of the answer."""

    en = "en"
    zh = "zh"
    ko = "ko"


SettingOption = Annotated[Setting, typer.Option("--setting", help="Where the patients come: a village clinic or an emergency department.")]
LanguageOption = Annotated[Language | None, typer.Option("--language", help="Language of the answer; the complaint's own by default.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]


def read_text(text: str) -> str:
    """The text itself, or standard input for `-`."""
    if text != "-":
        return text
    import sys

    return sys.stdin.buffer.read().decode("utf-8", errors="replace").strip()


def print_json(value: object) -> None:
    """Prints a JSON document on standard output."""
    import json

    typer.echo(json.dumps(value, ensure_ascii=False, indent=2))
