"""D319: attention that cannot tell an order."""

from __future__ import annotations

from collections.abc import Iterator

from ..diagnostics import Diagnostic, Related
from .rule import Page, Rule
from .thresholds import Thresholds
from .view import Place, View


class AttentionWithoutPosition(Rule):
    code = "D319"
    name = "attention-without-position"
    severity = "warning"
    page = Page(
        what=(
            "Attention on tokens behind an `embed`, with nothing on the way that makes positions differ: no "
            "`positions`, recurrent layer, convolution or added `param`, and no `rope`, `relative` or `bias=`"
            " of its own."
        ),
        why="Attention looks at a set: to it, every order of the same tokens is the same text.",
        source='Vaswani et al., 2017, "Attention is all you need", section 3.5.',
        example="in 128 int | embed 256 vocab=30k | residual(ln | attention 8) | pool global | dense 2",
        instead="in 128 int | embed 256 vocab=30k | positions | residual(ln | attention 8) | pool global | dense 2",
        wrong_when="The order does not matter, as of a bag of words.",
    )

    def check(self, view: View, settings: Thresholds) -> Iterator[Diagnostic]:
        unplaced: dict[Place, Place] = {}
        for place in view.places:
            does = place.does
            bare = [unplaced[source] for source in place.inputs if source in unplaced]
            if does is not None and does.needs_int and place.output is not None and place.output.rank == 2:
                unplaced[place] = place
            elif not bare or len(bare) < len(place.inputs) or len(set(map(_source, bare))) > 1:
                continue  # another tensor may bring positions along
            elif does is None:
                unplaced[place] = bare[0]
            elif does.attends:
                if does.knows_places() is False:  # type: ignore[attr-defined]
                    embed = bare[0]
                    edits = view.edits.put_behind(embed.span, "positions")
                    yield self.found(
                        place.span,
                        f"{place.text} cannot tell in which order the tokens of {embed.text} come: nothing on the way "
                        "marks positions",
                        place.flow,
                        f"write `{embed.step.text} | positions`, or give the attention `rope`",
                        (Related(embed.span, "the tokens"),),
                        self.fix("Put `positions` behind the embedding", edits),
                    )
            elif not (does.gives_places or does.sees_all or place.looks_around):
                unplaced[place] = bare[0]


def _source(embed: Place) -> Place:
    return embed.inputs[0] if embed.inputs else embed
