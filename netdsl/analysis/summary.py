"""The rows of a network as a table for terminals, pipes, notebooks and programs; nothing is counted here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from ..garbage import uncollected
from ..layer import Size, Tensor
from ..network import Network
from ..record import frozen
from .counts import Counts, Row, listed_rows

if TYPE_CHECKING:
    from rich.console import Group, RenderableType

LONGEST_TEXT = 48  # characters of a stage; more of it would push the figures out of a window
SHORTEST_TEXT = 12
UNKNOWN = "?"


@frozen(eq=False)
class Summary:
    """What a summary shows: the rows, and what they cost together, None where that is unknown."""

    network: Network
    rows: tuple[Row, ...]
    total: Counts | None

    @property
    def inputs(self) -> Iterator[Row]:
        """The inputs of the network, in the order of the text."""
        return (row for row in self.rows if row.is_input)

    @property
    def repeats(self) -> bool:
        """Whether a row stands for more than one layer."""
        return any(row.times > 1 for row in self.rows)


@uncollected()
def summarize(network: Network, total: Counts | None, depth: int | None = None) -> Summary:
    """Return the summary of a network; names that have more than `depth` parts are folded into one row.

    Raises CompileError where there are too many rows to be listed.
    """
    return Summary(network, listed_rows(network, depth), total)


def show(figure: Size | None) -> str:
    """Return a figure with separators of thousands, or `?`."""
    return UNKNOWN if figure is None else f"{figure:,}" if isinstance(figure, int) else str(figure)


def footers(summary: Summary) -> Iterator[tuple[str, str]]:
    """Return the lines under the rows, each with its label; none where the total is unknown."""
    if summary.total is not None:
        counted = summary.total
        split = f"{show(counted.trainable)} trainable, {show(counted.not_trained)} not trained"
        yield "parameters", f"{show(counted.total)} ({split})"
        aux = f" and {show(counted.aux_macs)} more in training, for `aux`" if counted.aux_macs != 0 else ""
        yield "MACs", show(counted.macs) + aux
        yield "FLOPs", f"{show(summary.total.macs * 2)} (2 a MAC)"


@frozen(eq=False)
class Column:
    """A column of a table."""

    title: str
    cells: tuple[str, ...]
    is_figure: bool


def columns(summary: Summary) -> tuple[Column, ...]:
    """Return the columns of a summary; how often a row stands there is one only where some row is repeated."""

    def column(title: str, cell: Callable[[Row], str], is_figure: bool = False) -> Column:
        return Column(title, tuple(map(cell, summary.rows)), is_figure)

    def figure(title: str, of: Callable[[Counts], Size]) -> Column:
        def cell(row: Row) -> str:
            return "" if row.is_input else show(None if row.counts is None else of(row.counts))

        return column(title, cell, is_figure=True)

    each = " each" if summary.repeats else ""
    found = [
        column("name", lambda row: row.name),
        column("layer", lambda row: row.text + _remark(row)),
        column("output", lambda row: UNKNOWN if row.output is None else str(row.output)),
        figure(f"parameters{each}", lambda counts: counts.total),
        figure(f"MACs{each}", lambda counts: counts.macs),
    ]
    if summary.repeats:
        found.append(column("times", lambda row: f"{row.times:,}" if row.times > 1 else "", is_figure=True))
    return tuple(found)


def _remark(row: Row) -> str:
    """Return what has to be known of a line beside its figures."""
    said = (("shared", row.is_shared), ("aux", row.is_aux), ("frozen", row.is_frozen and not row.is_shared))
    words = [word for word, holds in said if holds]
    return f" ({', '.join(words)})" if words else ""


@uncollected()
def as_table(summary: Summary) -> str:
    """Return aligned text, for pipes and `print`."""
    lines = [""] * (len(summary.rows) + 1)
    for column in columns(summary):
        cells = [column.title, *map(_shortened, column.cells)]
        width = max(map(len, cells))
        lines = [
            f"{line}{cell:>{width}}  " if column.is_figure else f"{line}{cell:<{width}}  "
            for line, cell in zip(lines, cells, strict=True)
        ]
    lines = [line.rstrip() for line in lines]
    below = [f"{label:10}  {text}" for label, text in footers(summary)]
    return "\n".join([*lines, "", *below] if below else lines)


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST_TEXT else f"{text[: LONGEST_TEXT - 3]}..."


def as_rich(summary: Summary, width: int, title: str = "") -> Group | None:
    """Return what a terminal shows: the table, and the totals below it; None where the figures do not fit into `width`.

    Names and layers are what gets shorter, a figure never.
    """
    from rich.box import SIMPLE_HEAD
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    found = columns(summary)
    widths = [max(map(len, (*column.title.split(), *column.cells))) for column in found]
    spare = width - sum(widths[2:]) - 3 * (len(found) - 1)  # three characters stand between columns
    widths[1] = min(widths[1], LONGEST_TEXT, max(SHORTEST_TEXT, spare - widths[0]))
    widths[0] = min(widths[0], spare - widths[1])
    if widths[0] < SHORTEST_TEXT and widths[0] < max(map(len, found[0].cells)):
        return None
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold")
    styles = {"name": "cyan", "output": "green", "times": "magenta"}
    for column, column_width in zip(found, widths, strict=True):
        table.add_column(
            column.title.replace(" ", "\n"),
            justify="right" if column.is_figure else "left",
            style=styles.get(column.title, ""),
            width=column_width,
            no_wrap=True,
        )
    for cells in zip(*(column.cells for column in found), strict=True):
        table.add_row(*(Text(cell, style=_STYLES.get(cell, ""), overflow="ellipsis") for cell in cells))
    totals = [Text.assemble((f"{label:10}  ", "bold"), text) for label, text in footers(summary)]
    shown: list[RenderableType] = [Text(title, style="bold"), "", table] if title else [table]
    return Group(*shown, "", *totals) if totals else Group(*shown)


_STYLES = {UNKNOWN: "bold red", "0": "dim"}


def as_markdown(summary: Summary) -> str:
    """Return a table for Markdown, with the totals as a list below it."""

    def line(cells: Iterable[str]) -> str:
        return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"

    found = columns(summary)
    lines = [
        line(column.title for column in found),
        line("---:" if column.is_figure else "---" for column in found),
        *(
            line(f"`{cell}`" if place == 1 and cell else cell for place, cell in enumerate(cells))
            for cells in zip(*(column.cells for column in found), strict=True)
        ),
    ]
    below = [f"- {label}: {text}" for label, text in footers(summary)]
    return "\n".join([*lines, "", *below] if below else lines)


def as_html(summary: Summary) -> str:
    """Return a table for notebooks."""
    from html import escape

    def line(tag: str, cells: Iterable[str]) -> str:
        sides = ["right" if column.is_figure else "left" for column in found]
        return "".join(
            f'<{tag} style="text-align: {side}">{escape(cell)}</{tag}>' for side, cell in zip(sides, cells, strict=True)
        )

    found = columns(summary)
    head = line("th", (column.title for column in found))
    body = "".join(f"<tr>{line('td', cells)}</tr>" for cells in zip(*(column.cells for column in found), strict=True))
    below = "<br>".join(f"{escape(label)}: {escape(text)}" for label, text in footers(summary))
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table><p>{below}</p>"


CSV_COLUMNS = (
    "name", "layer", "text", "line", "column", "times", "input", "output", "trainable", "not_trained", "macs"
)  # fmt: skip


def as_csv(summaries: Sequence[tuple[str, Summary]], several: bool = False) -> str:
    """Return the rows of summaries for a spreadsheet, under one head; of several, each row says which it is from."""
    import csv
    import io

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("file", *CSV_COLUMNS) if several else CSV_COLUMNS)
    for name, summary in summaries:
        for row in summary.rows:
            line, column = row.span.source.line_and_column(row.span.start)
            figures = (
                (row.counts.trainable, row.counts.not_trained, row.counts.macs)
                if row.counts is not None
                else (None, None, None)
            )
            entering = " ".join(UNKNOWN if x is None else str(x) for x in row.inputs)
            output = UNKNOWN if row.output is None else str(row.output)
            cells = (row.name, row.kind, row.text, line, column, row.times, entering, output, *figures)
            writer.writerow((name, *cells) if several else cells)
    return text.getvalue().rstrip("\n")


def as_json(summaries: Sequence[tuple[str, Summary]], several: bool = False) -> str:
    """Return a summary for programs, a layer a line; several are a list, and each says which file it is of."""
    if not several:
        return _json_object(_facts(summaries[0][1]))
    return "[\n" + ",\n".join(_json_object({"file": name, **_facts(summary)}) for name, summary in summaries) + "\n]"


def _json_object(facts: dict[str, Any]) -> str:
    import json

    def value(key: str, fact: Any) -> str:
        if key != "layers" or not fact:
            return json.dumps(fact)
        return "[\n" + ",\n".join(f"    {json.dumps(layer)}" for layer in fact) + "\n  ]"

    return "{\n" + ",\n".join(f'  "{key}": {value(key, fact)}' for key, fact in facts.items()) + "\n}"


def _facts(summary: Summary) -> dict[str, Any]:
    """Return a summary as plain values; what is unknown is None."""
    body, total = summary.network.body, summary.total
    return {
        "inputs": [
            {"name": row.name, "shape": _shape(row.output), "dtype": row.output.dtype}
            for row in summary.inputs
            if row.output is not None
        ],
        "outputs": [
            {
                "name": output.name,
                "shape": _shape(body.tensor(output.value)),
                **({"aux": True} if output.aux else {}),
            }
            for output in summary.network.outputs
        ],
        "parameters": {
            "total": None if total is None else _plain(total.total),
            **_trained_or_not(total),
        },
        "macs": None if total is None else _plain(total.macs),
        **({"aux_macs": _plain(total.aux_macs)} if total is not None and total.aux_macs != 0 else {}),
        "flops": None if total is None else _plain(total.macs * 2),
        "layers": [_layer(row) for row in summary.rows if not row.is_input],
    }


def _layer(row: Row) -> dict[str, Any]:
    line, column = row.span.source.line_and_column(row.span.start)
    return {
        "name": row.name,
        "layer": row.kind,
        "text": row.text,
        "line": line,
        "column": column,
        "path": list(row.path),
        "times": row.times,
        "inputs": [_shape(x) for x in row.inputs],
        "output": _shape(row.output),
        "parameters": _trained_or_not(row.counts),
        "macs": None if row.counts is None else _plain(row.counts.macs),
        **({"shared": True} if row.is_shared else {}),
        **({"aux": True} if row.is_aux else {}),
    }


def _trained_or_not(counts: Counts | None) -> dict[str, int | str | None]:
    if counts is None:
        return {"trainable": None, "not_trained": None}
    return {"trainable": _plain(counts.trainable), "not_trained": _plain(counts.not_trained)}


def _shape(x: Tensor | None) -> list[int | str] | None:
    return None if x is None else [_plain(size) for size in x.sizes]


def _plain(size: Size) -> int | str:
    """Return a size for JSON: a number, or the text of an expression."""
    return size if isinstance(size, int) else str(size)
