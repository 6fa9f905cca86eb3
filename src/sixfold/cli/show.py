"""What people see on a terminal: tables by rich, plain text where the output is piped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from rich.console import Console
from rich.table import Table

from ..asking import Answer, Told
from ..evaluation.results import Evaluation, Measure, Measures
from ..journey import evaluation_of
from ..lint import Finding
from ..metrics.target import Verdict
from ..release import Release
from ..workspace import Listed

HEADLINE = ("AUC", "normalised entropy", "calibration", "nDCG@10", "recall@10", "recall@100")
OF_TIMES = ("MAE", "RMSE", "bias", "share covered", "width", "CRPS", "cost of promises")
_COLOURS = {"met": "green", "short": "red", "not measured": "yellow", "not applicable": "dim"}


def console() -> Console:
    """A console on stdout, of at least 100 columns where the output is piped."""
    plain = Console()
    return plain if plain.is_terminal else Console(width=120)


def number(value: float | None) -> str:
    """A number in four significant digits, a dash where there is none."""
    return "-" if value is None else f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def interval(measured: Measure) -> str:
    """A value with its 95 % interval."""
    if measured.low is None or measured.high is None:
        return number(measured.value)
    return f"{number(measured.value)} [{number(measured.low)}, {number(measured.high)}]"


def date(ts: int) -> str:
    """A ts as a day and minute, UTC."""
    return datetime.fromtimestamp(ts / 1e6, UTC).strftime("%Y-%m-%d %H:%M")


class Rows:
    """The table of systems, a line as each finishes, and the whole with intervals at the end."""

    def __init__(self, out: Console, *, quiet: bool) -> None:
        self._out, self._quiet, self._first = out, quiet, True

    def __call__(self, name: str, measures: Measures) -> None:
        if self._quiet:
            return
        headline = OF_TIMES if "RMSE" in measures else HEADLINE
        if self._first:
            names = (metric.replace("normalised", "norm.") for metric in headline)
            self._out.print("system        " + "".join(f"{name:>17}" for name in names), style="bold")
            self._first = False
        cells = (number(measures[metric].value) if metric in measures else "-" for metric in headline)
        self._out.print(f"{name:<14}" + "".join(f"{cell:>17}" for cell in cells), highlight=False)


def evaluation(out: Console, found: Evaluation) -> None:
    """Systems with intervals, what the chosen one wins and loses, slices, the truth where a world tells it."""
    systems(out, found.systems, chosen=found.chosen)
    for title, ahead in (
        (found.yardstick if found.yardstick == "MAE" else f"{found.yardstick} over slates", found.ahead),
        ("AUC over impressions", found.ahead_shown),
        ("AUC over explored impressions", found.ahead_explored),
    ):
        for name, by in ahead.items():
            verdict = "ahead of" if (by.low or 0) > 0 else "behind" if (by.high or 0) < 0 else "no different from"
            out.print(f"{found.chosen} is {verdict} {name} in {title}: {interval(by)}", highlight=False)
    for path, values in found.slices.items():
        table = Table("slice " + path, *(metric for metric in next(iter(values.values()))), "rows", box=None)
        for value, measures in values.items():
            rows = max((measured.n for measured in measures.values()), default=0)
            table.add_row(value, *(interval(measured) for measured in measures.values()), f"{rows:,}")
        out.print(table)
    if found.truth is not None:
        order = sorted(found.truth.value.items(), key=lambda pair: pair[1])
        out.print(
            "mean true value of a slate's items: " + ", ".join(f"{n} {number(v)}" for n, v in order), highlight=False
        )
        out.print(
            f"{found.chosen} closes {100 * found.truth.gap_closed:.0f} % of the gap from popularity to the oracle"
        )
    for note in found.notes:
        out.print(f"note: {note}", style="dim")


def systems(out: Console, measured: Mapping[str, Measures], *, chosen: str) -> None:
    """One row a metric, one column a system; the interval of the chosen one, which stands first."""
    metrics = list(dict.fromkeys(metric for measures in measured.values() for metric in measures))
    names = [chosen, *(name for name in measured if name != chosen)]
    table = Table("metric", *(f"{name} [95 % interval]" if name == chosen else name for name in names), box=None)
    for metric in metrics:
        cells = []
        for name in names:
            found = measured[name].get(metric)
            written = "-" if found is None else interval(found) if name == chosen else number(found.value)
            cells.append(f"[bold]{written}[/bold]" if name == chosen else written)
        table.add_row(metric, *cells)
    out.print(table)


def verdicts(out: Console, judged: list[tuple[str, Verdict]]) -> None:
    """Each number of the design: required, measured, verdict; then how many are met."""
    table = Table("in the design", "required", "measured", "verdict", box=None)
    for path, verdict in judged:
        measured = "-" if verdict.measured is None else number(verdict.measured)
        if verdict.low is not None:
            measured += f" [{number(verdict.low)}, {number(verdict.high)}]"
        colour = _COLOURS[verdict.status]
        note = f" ({verdict.note})" if verdict.note else "" if verdict.sure else " (the interval is not sure)"
        table.add_row(path, str(verdict.target), measured, f"[{colour}]{verdict.status}[/{colour}]{note}")
    out.print(table)
    statuses = Counter(verdict.status for _, verdict in judged)
    out.print(", ".join(f"{count} {status}" for status, count in statuses.most_common()), style="bold")


def findings(found: Iterable[Finding], *, log: bool) -> None:
    """What the linter found, errors first."""
    out = console()
    listed = sorted(found, key=lambda finding: finding.level != "error")
    for finding in listed:
        colour = "red" if finding.level == "error" else "yellow"
        out.print(f"[{colour}]{finding.level}[/{colour}] {finding.path}: {finding.message}", highlight=False)
    if not listed:
        out.print("design and data are sound" if log else "the design is sound; there is no log yet to hold it against")


def slate(out: Console, answer: Answer, *, explained: bool) -> None:
    """A slate, best first; explained, with sources, heads and what set each item apart."""
    who = answer.member if answer.known else f"{answer.member} (not in the log: a stranger's answer)"
    out.print(f"for {who} at {date(answer.ts)} UTC, release {answer.release}", style="bold", highlight=False)
    if answer.history:
        out.print(f"last: {', '.join(answer.history)}", highlight=False)
    taken = ", ".join(f"{count} {reason}" for reason, count in answer.removed.items())
    out.print(f"{answer.candidates} candidates after the filters took out {taken}", highlight=False)
    heads = list(answer.items[0].heads) if answer.items else []
    names = ["", "item", *heads, *(["from (place in each source)", "what sets it apart"] if explained else [])]
    table = Table(*names, box=None)
    for item in answer.items:
        cells = [str(item.place), item.title or item.id, *(number(value) for value in item.heads.values())]
        if explained:
            cells.append(" ".join(f"{name}:{place}" for name, place in item.sources.items()))
            cells.append("; ".join(f"{column} = {number(value)}" for column, value, _ in item.reasons) or "-")
        table.add_row(*cells)
    out.print(table)


def told(out: Console, found: Told) -> None:
    """An estimate: what is told, the mean, quantiles and legs in minutes; explained, what sets it apart."""
    out.print(f"as of {date(found.ts)} UTC, release {found.release}", style="bold", highlight=False)
    out.print(f"told: {found.words} (the promise), on average {found.mean_s / 60:.1f} minutes", highlight=False)
    levels = ", ".join(f"{float(level):.0%} {seconds / 60:.1f}" for level, seconds in found.quantiles.items())
    out.print(f"quantiles, minutes: {levels}", highlight=False)
    if len(found.legs) > 1:
        legs = ", ".join(f"{name} {seconds / 60:.1f}" for name, seconds in found.legs.items())
        out.print(f"legs, median minutes: {legs}", highlight=False)
    for name, why in found.unknown.items():
        out.print(f"note: {name} counts as unknown: {why}", style="dim", highlight=False)
    if found.reasons:
        table = Table("what sets it apart", "value", "adds, minutes", box=None)
        for column, value, adds in found.reasons:
            table.add_row(column, number(value), f"{adds / 60:+.2f}")
        out.print(table)


def releases(out: Console, listed: list[Listed]) -> None:
    """All releases, newest last, the published one marked."""
    table = Table("", "release", "design", "trained on, until", "headline", box=None)
    for one in listed:
        table.add_row("CURRENT" if one.current else "", one.id, one.design, date(one.until), one.headline)
    out.print(table if listed else "no releases yet; run 'sixfold train'")


def release(out: Console, found: Release) -> None:
    """One release: its spans, its files, its systems."""
    cuts = found.manifest.cuts
    out.print(f"release {found.id} of design {found.manifest.design}", style="bold", highlight=False)
    for name, start, stop in (
        ("retrievers", cuts.start, cuts.first), ("ranker", cuts.first, cuts.second),
        ("calibration", cuts.second, cuts.third), ("test", cuts.third, cuts.end),
    ):  # fmt: skip
        out.print(f"  {name:<12} {date(start)} to {date(stop)}", highlight=False)
    total = sum(file.bytes for file in found.manifest.files.values())
    out.print(f"  {len(found.manifest.files)} files, {total / 1e6:.1f} MB", highlight=False)
    held = evaluation_of(found)
    systems(out, held.systems, chosen=held.chosen)
