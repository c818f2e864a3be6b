"""A run whose links carry another number of bits than its ops sent is refused."""

from __future__ import annotations

import pytest

from accelsim.errors import LawViolation
from accelsim.kernels.links.servers import BUFFER, BUFFER_WRITE, DOWN, PEER, UP
from accelsim.machine.architecture import Machine
from accelsim.sim import simulation
from accelsim.sim.pipeline import Pipelines, Served
from tests.random_machines import machine
from tests.reference_networks import Builder
from tests.watched_machine import watch

LINKS = {
    DOWN: "NoC down",
    UP: "NoC up",
    PEER: "NoC between PEs",
    BUFFER: "global buffer",
    BUFFER_WRITE: "global buffer, writes",
}


def run_on(architecture: Machine) -> None:
    watch(Builder("plain", (4, 4, 4)).conv(6).add("relu").add("fc", 3).network(), architecture)


@pytest.mark.parametrize("link", LINKS)
@pytest.mark.parametrize("more", [Served(1, 0), Served(0, 10**9)], ids=["bits", "busy cycles"])
def test_one_bit_or_too_many_busy_cycles_of_any_link_are_told(
    monkeypatch: pytest.MonkeyPatch, link: int, more: Served
) -> None:
    served = Pipelines.served

    def false(self: Pipelines, asked: int) -> Served:
        true = served(self, asked)
        if asked != link:
            return true
        return Served(true.bits + more.bits, true.busy_cycles + more.busy_cycles)

    run_on(machine())
    monkeypatch.setattr(simulation.Pipelines, "served", false)
    with pytest.raises(LawViolation, match=LINKS[link]):
        run_on(machine())
