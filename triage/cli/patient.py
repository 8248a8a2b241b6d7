"""Commands about one patient: assess, read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import typer

from triage.cli.options import JsonOption, LanguageOption, Setting, SettingOption, print_json, read_text


def assess(
    text: Annotated[str, typer.Argument(help="What the patient says, in English, Chinese or Korean; - reads standard input.")] = "",
    findings: Annotated[str, typer.Option(help="What was asked or examined: ids or names separated by ';', a leading '-' = absent.")] = "",
    age: Annotated[str, typer.Option(help="Years, or 8mo, 3w, 12d.")] = "",
    sex: Annotated[str, typer.Option(help="female or male.")] = "",
    pregnant: Annotated[str, typer.Option(help="yes, no, or the weeks.")] = "",
    temperature: Annotated[str, typer.Option(help="Degrees Celsius.")] = "",
    heart_rate: Annotated[str, typer.Option(help="Per minute.")] = "",
    respiratory_rate: Annotated[str, typer.Option(help="Per minute.")] = "",
    systolic_bp: Annotated[str, typer.Option(help="mmHg.")] = "",
    diastolic_bp: Annotated[str, typer.Option(help="mmHg.")] = "",
    spo2: Annotated[str, typer.Option(help="Percent.")] = "",
    oxygen: Annotated[str, typer.Option(help="air or yes.")] = "",
    glucose: Annotated[str, typer.Option(help="mmol/L, or with the suffix mg/dL.")] = "",
    consciousness: Annotated[str, typer.Option(help="A alert, C new confusion, V voice, P pain, U unresponsive.")] = "",
    pain_score: Annotated[str, typer.Option(help="0 to 10.")] = "",
    onset_hours: Annotated[str, typer.Option(help="Hours since it began.")] = "",
    setting: SettingOption = Setting.clinic,
    language: LanguageOption = None,
    json: JsonOption = False,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="Exit with 3 when urgent.")] = False,
) -> int:
    """Assess one patient: how urgent, what to do first, what it could be, and why."""
    given = {name: value for name, value in locals().items() if isinstance(value, str) and name not in ("text", "setting", "language")}
    from triage.assess import Engine
    from triage.errors import UsageError
    from triage.intake import visit_from

    engine = Engine.load()
    complaint = read_text(text)
    visit, problems = visit_from({**given, "complaint": complaint}, engine.finding_names)
    if problems:
        raise UsageError("\n".join(problems))
    answer = engine.assess(visit, setting, language)
    if json:
        from triage.report.document import document

        print_json(document(engine.knowledge, answer))
    else:
        from triage.report.text import render

        typer.echo(render(engine.knowledge, answer, complaint), nl=False)
    if answer.status != "ok":
        return 1
    return 3 if exit_code and answer.urgent else 0


def read(
    text: Annotated[str, typer.Argument(help="A complaint; - reads standard input.")],
    json: JsonOption = False,
) -> None:
    """Show what is understood of a text: findings, values and what was not read."""
    from triage.assess import Engine
    from triage.report.reading import document, render

    engine = Engine.load()
    complaint = read_text(text)
    reading = engine.reader.read(complaint)
    if json:
        print_json(document(reading))
    else:
        typer.echo(render(engine.knowledge, reading, complaint), nl=False)


COMMANDS: dict[str, tuple[Callable[..., Any], str]] = {
    "assess": (assess, 'assess "sudden weakness all over, cold sweat" --age 58 --sex male'),
    "read": (read, 'read "no fever, cough for three days, BP 150/95"'),
}
