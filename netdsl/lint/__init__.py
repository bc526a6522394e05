"""Lint: patterns in networks that are legal and rarely meant; which file holds which rule, and what all rules find."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

from ..emit import TARGETS

if TYPE_CHECKING:
    from ..compiler import Result
    from ..diagnostics import Diagnostic
    from .rule import Rule
    from .thresholds import Thresholds
    from .view import View

FILES: dict[str, str] = {
    "E013": "target_shape_mismatch",
    "C101": "softmax_single_unit",
    "C102": "activation_before_logits_loss",
    "C103": "missing_output_activation",
    "C104": "rectified_output",
    "C105": "output_loss_pairing",
    "C106": "double_activation",
    "C107": "collapsed_linear",
    "C108": "hidden_softmax",
    "C109": "suspicious_channel_order",
    "C110": "pointwise_dense_head",
    "C111": "dropped_border",
    "C112": "stride_exceeds_window",
    "C113": "dropout_at_output",
    "C114": "norm_at_output",
    "C115": "dead_branch",
    "C116": "no_op_layer",
    "C117": "dead_kernel_taps",
    "C119": "bounded_regression_output",
    "C120": "maxpool_only_nonlinearity",
    "C121": "identical_branches",
    "T201": "dropout_before_batchnorm",
    "T203": "dropout_before_maxpool",
    "T204": "high_dropout",
    "T205": "saturating_stack",
    "T206": "exponential_activation",
    "T207": "deep_plain_stack",
    "T208": "norm_after_activation",
    "D301": "hidden_narrower_than_output",
    "D302": "parameter_concentration",
    "D303": "receptive_field_too_small",
    "D304": "unproductive_layers",
    "D305": "no_downsampling",
    "D308": "shrinking_filters",
    "D309": "widening_head",
    "D310": "lopsided_window",
    "D311": "pool_after_every_conv",
    "D312": "even_kernel_same",
    "D313": "checkerboard_upsampling",
    "D316": "stacked_pools",
    "D319": "attention_without_position",
    "D322": "unmixed_groups",
    "D323": "budget_exceeded",
    "P401": "bias_before_norm",
    "P402": "tensor_core_alignment",
    "P403": "activation_memory",
    "P404": "factorable_kernel",
    "P406": "activation_before_maxpool",
    "P407": "rnn_off_cudnn",
    "X501": "strided_same_padding",
    "X502": "target_lacks_layer",
    "X505": "flatten_order",
    "X506": "reserved_name",
    "S601": "redundant_default",
    "S603": "repeated_block",
    "S605": "implicit_flatten",
    "S606": "missing_contract",
    "S607": "unused_suppression",
    "S608": "unused_definition",
}
"""The file of each rule, by its code; a test holds them against the declarations."""


class _Rules(Mapping[str, "type[Rule]"]):
    """The rules by their codes, in the order of the catalogue; a rule is loaded when it is asked for."""

    def __init__(self) -> None:
        self.loaded: dict[str, type[Rule]] = {}

    def __getitem__(self, code: str) -> type[Rule]:
        if code not in self.loaded:
            module = import_module(f"{__name__}.{FILES[code]}")
            classes = (value for value in vars(module).values() if isinstance(value, type))
            self.loaded[code] = next(value for value in classes if getattr(value, "code", None) == code)
        return self.loaded[code]

    def __iter__(self) -> Iterator[str]:
        return iter(FILES)

    def __len__(self) -> int:
        return len(FILES)


RULES: Mapping[str, type[Rule]] = _Rules()


ON_EMIT = ("X502", "X506")
"""The rules that are on where code is emitted."""


def findings(
    result: Result, codes: Collection[str], thresholds: Thresholds, targets: Collection[str] = TARGETS
) -> tuple[Diagnostic, ...]:
    """Return what the rules of some codes find in a text, in its order, each place once for each rule.

    `targets` are the frameworks that the network is for, of which some rules speak.

    A text with errors gets what can be said of the rest of it; the blocks of a library are looked at on symbols. Where
    the pattern lies in a file that the text uses, the places are in that one.
    """
    from .views import views_of

    rules = [RULES[code]() for code in FILES if code in codes]
    found: dict[tuple[Any, ...], Diagnostic] = {}
    if rules:
        each = [_found(rules, views, thresholds) for views in views_of(result, targets)]
        found = {key: one for key, one in each[0].items() if all(key in other for other in each[1:])} if each else {}
    source = result.program.source
    return tuple(
        sorted(found.values(), key=lambda one: (one.span.source is not source, one.span.start, one.span.end, one.code))
    )


def _found(rules: Sequence[Rule], views: Iterable[View], thresholds: Thresholds) -> dict[tuple[Any, ...], Diagnostic]:
    """Return what rules find in some views, by code and place."""
    from ..size import TooLarge, Undecided

    found: dict[tuple[Any, ...], Diagnostic] = {}
    for view in views:
        for rule in rules:
            try:
                for one in rule.check(view, thresholds):
                    found.setdefault((one.code, one.span.source.name, one.span.start, one.span.end), one)
            except (Undecided, TooLarge):
                pass  # an open size leaves the rest of it undecided
    return found
