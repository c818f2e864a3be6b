"""Options and links of the revised rule for the two kinds of network that it supports."""

from __future__ import annotations

from accelsim.errors import Fault, InputError
from accelsim.rules.declaration import RuleSpec, spelt
from accelsim.rules.modular.links import links_of
from accelsim.rules.revised.options import RevisedOptions
from accelsim.workload.modules import Link
from accelsim.workload.network import Network

_FEED_FORWARD_ONLY = ("groups", "order", "modules")
_RECURRENT_ONLY = ("sparsity", "init", "per_step", "exponent")


def refuse_options_of_others(network: Network, rule: RuleSpec[RevisedOptions]) -> None:
    """Raise InputError for each given option that applies only to the other kind of network."""
    others, kind = (
        (_FEED_FORWARD_ONLY, "with") if network.unrolled else (_RECURRENT_ONLY, "without")
    )
    faults = [
        Fault(
            "",
            0,
            0,
            f"{rule.name}.{name} must be left out for a network {kind} recurrent layers, got "
            f"{spelt(value)}",
        )
        for name, value in rule.options.given
        if name in others
    ]
    if faults:
        raise InputError(*faults)


def grouped_links(network: Network, rule: RuleSpec[RevisedOptions]) -> dict[str, Link]:
    """Links between modules, by layer name.

    Raises InputError like `links_of`, and if the groups do not divide the channels at both ends of
    a link.
    """
    links, groups = links_of(network, rule), rule.options.groups
    for name, link in links.items():
        ends = link.source.out_shape[2], link.layer.in_shape[2]
        if not (link.dense or link.shortcut) and any(channels % groups for channels in ends):
            raise InputError(
                f"{rule.name}.groups must divide the {ends[0]} and {ends[1]} channels at {name}, "
                f"got {groups}"
            )
    return links
