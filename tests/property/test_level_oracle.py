"""Words and bits of a transfer at each memory, against its words going their way one by one: read,
sent over a link, received and written.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from random import Random

import pytest

from accelsim.machine.architecture import Machine
from accelsim.pe.mapping import Route, Transfer
from accelsim.sim.encodings import Encoding
from accelsim.sim.planning.op_plan import PlanDraft
from accelsim.sim.planning.traffic import Traffic
from accelsim.step.ops import Contraction, Op, Role, Tensor
from tests.examples import examples
from tests.oracle.cases import step_of
from tests.random_machines import machine

MACHINES = [
    machine(base, pe_array__rows=rows, pe_array__cols=cols)
    for base, rows, cols in (("near_memory", 2, 4), ("near_memory", 4, 4), ("systolic", 3, 2))
]
OPS = [op for op in step_of(Random(1)).ops if isinstance(op, Contraction)]


@dataclass
class Memory:
    """Places of tensors: ``dram`` has the names of those in DRAM, ``pads`` of those stashed in all
    of ``pes``.
    """

    encodings: dict[str, Encoding]
    dram: set[str] = field(default_factory=set)
    pads: set[str] = field(default_factory=set)
    pes: range = range(0)

    def in_dram(self, step: int, tensor: Tensor) -> bool:
        return tensor.name in self.dram

    def stash_pes(self, step: int, tensor: Tensor) -> range | None:
        return self.pes if tensor.name in self.pads else None

    def local_split(self, step: int, tensor: Tensor) -> tuple[int, int] | None:
        return None

    def stashes(self, op: Op, tensor: Tensor) -> bool:
        return False


def transfer(random: Random) -> Transfer:
    """Words of a made-up tensor on any route."""
    tensor = Tensor(
        "moved", random.choice([Role.WEIGHT, Role.ACTIVATION]), (random.randint(1, 40),)
    )
    route = random.choice(list(Route))
    words = random.randint(0, 60)
    leaves = route in (Route.COLLECT, Route.PASS)
    return Transfer(
        tensor,
        route,
        not leaves and (route in (Route.REDUCE, Route.LOAD) or random.random() < 0.7),
        words,
        random.choice([1, 8, 16]),
        random.choice([0, words, words * random.randint(1, 5), words + random.randint(0, 30)]),
        0 if route is Route.PASS else random.choice([0, words, random.randint(0, 90)]),
        random.random() < 0.3,
        random.random() < 0.3,
        random.random() < 0.3,
    )


def part(encoding: Encoding | None, elements: int, bits: int) -> tuple[int, int]:
    """(stored words, stored bits) of some elements: a share of the encoded tensor, rounded up."""
    if encoding is None:
        return elements, elements * bits
    share = (encoding.entries, encoding.bits)
    words, size = (-(-elements * each // encoding.elements) for each in share)
    return words, size


def whole_accesses(machine: Machine, amount: int, unit: int) -> int:
    """Bits of the accesses of all scratchpads: words are dealt to the PEs one by one, and each PE
    packs its own.
    """
    pads = [0] * (machine.pe_array.rows * machine.pe_array.cols)
    for word in range(amount):
        pads[word % len(pads)] += unit
    width = machine.scratchpad.width_bits
    return sum(-(-bits // width) * width for bits in pads)


def walked(t: Transfer, memory: Memory, machine: Machine, on_array: bool) -> Counter[str]:
    """Words and bits by memory and kind of access."""
    found: Counter[str] = Counter()
    encoding = None if t.partial else memory.encodings.get(t.tensor.name)

    def access(place: str, elements: int, mask: int = 0) -> None:
        words, bits = part(encoding, elements, t.bits)
        found[f"{place} words"] += words
        masks = mask * words * (encoding is None)
        found[f"{place} bits"] += bits + masks
        if place.startswith("pad"):
            units = (bits, 1) if encoding else (words, t.bits)
            for amount, unit in (units, (masks, 1)):
                found[f"whole {place}"] += whole_accesses(machine, amount, unit)

    if t.route is Route.PASS or (t.route is Route.LOAD and not t.deliveries):
        pass  # the vector unit keeps no word; what is loaded stays in the buffer
    elif t.route in (Route.MULTICAST, Route.SCATTER, Route.LOAD):
        access("buffer read", t.words)
        if t.route is not Route.LOAD and machine.pe_array.kind == "systolic":
            access("pad read", t.words)  # the operand buffer at the edge
        access("pad write", t.deliveries, t.masked)
    elif t.route in (Route.COLLECT, Route.BUFFER):
        leaves = t.route is Route.BUFFER and t.inbound
        access("buffer read" if leaves else "buffer write", t.words)
    elif t.route is Route.HOME:
        access("pad read" if t.inbound else "pad write", t.words)
    else:
        if on_array or t.inbound:
            access("pad read", t.words)
        if on_array or not t.inbound:
            access("pad write", t.deliveries, t.masked)
        access("remote", t.deliveries)
        if t.route is Route.REDUCE:
            found["added"] += part(encoding, t.words, t.bits)[0]
    crosses = t.spilled or t.route is Route.LOAD or memory.in_dram(0, t.tensor)
    if crosses and part(encoding, t.dram_words, t.bits)[1]:
        access("dram read" if t.inbound else "dram write", t.dram_words)
        access("buffer write" if t.inbound else "buffer read", t.dram_words)
    if from_stash(t, memory):
        access("pad read" if t.inbound else "pad write", t.dram_words)
        access("buffer write" if t.inbound else "buffer read", t.dram_words)
    return found


def from_stash(t: Transfer, memory: Memory) -> bool:
    """Whether words come from the stash in scratchpads, or go there."""
    stashed = t.tensor.name in memory.pads and not t.spilled
    encoding = None if t.partial else memory.encodings.get(t.tensor.name)
    return stashed and part(encoding, t.dram_words, t.bits)[1] > 0


def simulated(plan: PlanDraft) -> Counter[str]:
    """The same of a plan."""
    found: Counter[str] = Counter()
    for memory, name in (("scratchpad", "pad"), ("global_buffer", "buffer"), ("dram", "dram")):
        for kind in ("read", "write"):
            found[f"{name} {kind} bits"] = plan.bits[f"{memory}_{kind}"]
    for kind in ("read", "write"):
        found[f"whole pad {kind}"] = plan.pad_bits[kind]
        assert plan.counts["scratchpad", f"{kind}_bits"] == plan.pad_bits[kind]
    found["remote words"] = plan.words["remote"]
    found["added"] = plan.counts["vector", "op"]
    return found


@pytest.mark.parametrize("number", range(examples(100, 1000)))
def test_words_pass_their_memories(number: int) -> None:
    random = Random(number)
    for _ in range(20):
        machine, on_array = random.choice(MACHINES), random.random() < 0.8
        t = transfer(random)
        pes = range(machine.pe_array.rows * machine.pe_array.cols)
        memory = Memory({}, set() if random.random() < 0.5 else {t.tensor.name}, set(), pes)
        if not memory.dram and t.route is not Route.LOAD and random.random() < 0.4:
            memory.pads.add(t.tensor.name)
        if random.random() < 0.4:
            elements = t.tensor.elements
            memory.encodings[t.tensor.name] = Encoding(
                elements, random.randint(0, elements), 20, random.randint(0, 20 * elements)
            )
        op = random.choice(OPS)
        plan = PlanDraft(op, pes, on_array)
        traffic = Traffic(machine, memory)  # type: ignore[arg-type]  # what it asks of a memory
        traffic.add(plan, 0, t)
        expected, found = walked(t, memory, machine, on_array), simulated(plan)
        assert {key: found[key] for key in found if found[key]} == {
            key: expected[key] for key in found if expected[key]
        }, t
        local = expected["pad read words"] + expected["pad write words"]
        assert plan.words["local"] == local
        buffer = expected["buffer read words"] + expected["buffer write words"]
        assert plan.words["global_buffer"] == buffer
        assert plan.words["dram"] == expected["dram read words"] + expected["dram write words"]
        _check_links(plan, t, memory, traffic)


def _check_links(plan: PlanDraft, t: Transfer, memory: Memory, traffic: Traffic) -> None:
    """Bits of each stage, and of the parts that cross the DRAM bus."""
    encoding = None if t.partial else memory.encodings.get(t.tensor.name)
    bits, taken = (part(encoding, each, t.bits)[1] for each in (t.words, t.deliveries))
    loaded = t.route is Route.LOAD
    to_pes = t.route in (Route.MULTICAST, Route.SCATTER) or (loaded and t.deliveries > 0)
    from_buffer = to_pes or (t.route is Route.BUFFER and t.inbound)
    to_buffer = t.route is Route.COLLECT or (t.route is Route.BUFFER and not t.inbound)
    between = t.route in (Route.PEER, Route.REDUCE)
    arrives = to_pes or (between and (plan.on_array or not t.inbound or t.route is Route.REDUCE))
    crosses = t.spilled or loaded or memory.in_dram(0, t.tensor)
    crossing = part(encoding, t.dram_words, t.bits)[1] * crosses
    stashed = part(encoding, t.dram_words, t.bits) if from_stash(t, memory) else (0, 0)
    assert {key: value for key, value in plan.totals.items() if value and "wait" not in key} == {
        key: value
        for key, value in {
            "fill_bits": bits * to_pes,
            "fill_buffer_bits": bits * from_buffer,
            "drain_bits": bits * (t.route in (Route.COLLECT, Route.PASS)),
            "drain_buffer_bits": bits * to_buffer,
            "peer_bits": taken * between,
            "staged_in_bits": (crossing + stashed[1]) * t.inbound,
            "staged_out_bits": (crossing + stashed[1]) * (not t.inbound),
            "stash_in_bits": stashed[1] * t.inbound,
            "stash_out_bits": stashed[1] * (not t.inbound),
            "words_received": part(encoding, t.deliveries, t.bits)[0] * arrives
            + stashed[0] * (not t.inbound),
        }.items()
        if value
    }
    parts = [*plan.loads, *plan.stores]
    assert [each.nbytes for each in parts] == ([-(-crossing // 8)] if crossing else [])
    whole = part(encoding, t.tensor.elements, t.bits)[1]
    assert all(each.size_bytes == -(-whole // 8) for each in parts)
    (moved,) = plan.moved
    assert traffic.bits(t, t.words) == moved.bits == bits
