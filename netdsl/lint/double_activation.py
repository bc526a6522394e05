"""C106: an activation of what an activation has made."""

from __future__ import annotations

from collections.abc import Iterator

from ..diagnostics import Diagnostic, Related
from .rule import Page, Rule
from .thresholds import Thresholds
from .view import Place, View, passes


class DoubleActivation(Rule):
    code = "C106"
    name = "double-activation"
    severity = "warning"
    page = Page(
        what="Two activations with nothing between them but dropout, flatten, reshape and average pools.",
        why=(
            "The second one either does nothing (`relu` of `relu`) or bends what has been bent: a softmax of "
            "a softmax is almost flat, a `relu` before a softmax throws away which classes are unlikely."
        ),
        source="NeuraLint's rule 3; SO-31880720.",
        example="in 10 | dense 16 | relu | relu | dense 3",
        instead="in 10 | dense 16 | relu | dense 3",
        wrong_when="A function was composed of known ones on purpose; it is left alone where it multiplies something.",
    )

    def check(self, view: View, settings: Thresholds) -> Iterator[Diagnostic]:
        for place in view.places:
            first = self._before(view, place)
            if first is None or any(end is not None and end.multiplies for end, _ in view.after(place, passes)):
                continue
            is_spare = self._is_spare(view, place)
            distributions = [one for one in (first, place) if one.does is not None and one.does.makes == "distribution"]
            if is_spare:
                message = f"{place.text} behind {first.text} changes nothing: it is there already"
            elif len(distributions) == 2:
                message = f"{place.text} of what {first.text} has made: a distribution of a distribution is almost flat"
            else:
                message = f"{place.text} bends what {first.text} has bent, with no layer that learns in between"
            others = place.span != first.span and view.is_everywhere(place, lambda one: self._is_spare(view, one))
            gone = view.edits.delete(place.span) if place.span != first.span else ()
            yield self.found(
                place.span,
                message,
                "",
                "delete one of them",
                (Related(first.span, "the first activation"),),
                self.fix(f"Delete the second, {place.text}", gone, is_spare and others),
            )

    def _before(self, view: View, place: Place) -> Place | None:
        """Return the activation whose output an activation takes, if there is one."""
        first = view.before(place, passes)[0] if place.is_activation else None
        return first if first is not None and first.is_activation else None

    def _is_spare(self, view: View, place: Place) -> bool:
        """Whether an activation does what has been done."""
        first, between = view.before(place, passes)
        if first is None or first.does is None or place.does is None or not place.does.is_idempotent:
            return False
        drops = any(stage.does is not None and stage.does.is_stochastic for stage in between)
        return first.does == place.does and not drops
