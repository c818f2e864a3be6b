"""Small random ops on small random machines, drawn by number. A number always gives one case."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

from accelsim.errors import InputError
from accelsim.machine.architecture import Machine
from accelsim.mapping.loop_nest import loop_nest
from accelsim.mapping.mapper import Mapper
from accelsim.mapping.residency import allocate
from accelsim.mapping.tiling.tiler import Tiler
from accelsim.pe.mapping import Mapping, Tiling
from accelsim.rules.registry import lower
from accelsim.step.ops import Contraction, TrainingStep
from accelsim.workload.network import INPUT, Network
from tests.oracle.counted import Home
from tests.oracle.printed import Nest, parse
from tests.random_machines import SKIPS, machine
from tests.random_networks import network_of
from tests.reference_networks import Builder

MOST_PRODUCTS = 12_000
"""Products of the largest op that is walked."""

RULES = ("bp", "bp", "bp", "fa", "dfa", "dfa", "ssdfa", "revised")
FUSING_RULES = ("bp", "bp", "bp", "fa", "dfa", "ssdfa", "dilated", "revised", "revised:groups=2")
LAYERS = [
    "conv",
    "conv",
    "batch_norm",
    "batch_norm",
    "batch_norm",
    "relu",
    "relu",
    "relu6",
    "tanh",
    "max_pool",
    "avg_pool",
    "global_avg_pool",
    "add",
    "add",
    "add",
    "concat",
    "concat",
    "slice",
]
"""Kinds of layers; those that stand here more often are drawn more often."""
BESIDE = (100, 250, 400, 1500, 10000)
"""Bytes of the global buffer beside its double buffer."""
SYSTOLIC = ("output_stationary", "weight_stationary", "input_stationary")
SKIPPING = ("lanes", "lanes", "coupled", "broadcast")


class Case:
    """A mapped op on a machine, and its printed nest."""

    def __init__(self, machine: Machine, mapper: Mapper, mapping: Mapping) -> None:
        self.machine, self.mapper, self.mapping = machine, mapper, mapping
        self.text = loop_nest(mapping, machine)
        self.nest: Nest = parse(self.text)
        tensor = mapping.op.stationary.tensor
        home = mapper.home(tensor)
        self.home = Home(*vars(home).values()) if home else Home(0, tensor.elements, 0)
        (made,) = mapping.op.outputs
        self.made_at_home = (mapper.gradient_split(mapping.op, made) or (0, 0))[0]


def network(random: Random) -> Network:
    """Up to two convolutions of any geometry, and a classifier."""
    builder = Builder(
        "x", (random.randint(1, 6), random.randint(1, 6), random.choice([1, 2, 3, 4]))
    )
    for _ in range(random.randint(0, 2)):
        above = builder.layers[-1].name if builder.layers else INPUT
        *sides, channels = builder.shapes[above]
        groups = random.choice([each for each in (1, 1, 2, channels) if channels % each == 0])
        kernel = tuple(random.randint(1, min(3, side)) for side in sides)
        dilation = tuple(
            random.choice([each for each in (1, 2) if (size - 1) * each < side])
            for size, side in zip(kernel, sides, strict=True)
        )
        builder.add(
            "conv",
            groups * random.randint(1, 4),
            kernel=kernel,
            stride=(random.randint(1, 3), random.randint(1, 2)),
            dilation=dilation,
            padding=tuple(random.randint(0, 1) for _ in range(4)),
            groups=groups,
        ).add(random.choice(["relu", "relu", "tanh"]))
    return builder.add("fc", random.randint(1, 7)).network()


def with_vector_work(random: Random) -> Network:
    """Convolutions, batch norm, activations, pools and sums in any order, with readers of any map,
    and classifiers behind those that nothing else reads.
    """
    sizes = random.randint(2, 5), random.randint(2, 5), random.randint(1, 3)
    builder = Builder("x", sizes)
    unread: set[str] = set()
    for _ in range(random.randint(2, 7)):
        names = [INPUT, *(each.name for each in builder.layers)]
        above = names[-1] if random.random() < 0.75 else random.choice(names)
        shape = builder.shapes[above]
        sides = shape[:2]
        same = [each for each in names[1:] if builder.shapes[each] == shape and each != above]
        kind = random.choice(LAYERS)
        inputs = (above,)
        if kind == "add":
            if not same or above == INPUT:
                continue
            inputs = (above, *random.sample(same, random.randint(1, min(2, len(same)))))
            inputs = tuple(random.sample(inputs, len(inputs)))
        if "pool" in kind and above == INPUT:
            continue
        own: dict[str, Any] = {}
        if kind == "concat":
            beside = [each for each in names if builder.shapes[each][:2] == sides and each != above]
            if not beside:
                continue
            inputs = (above, *random.sample(beside, random.randint(1, min(2, len(beside)))))
        if kind == "slice" and shape[2] > 1:
            start = random.randint(0, shape[2] - 1)
            own = {"start": start, "stop": random.randint(start + 1, shape[2])}
        if kind in ("conv", "max_pool", "avg_pool"):
            kernel = tuple(random.randint(1, min(3, side)) for side in sides)
            most = 3 if kind == "conv" else 2
            own = {"kernel": kernel, "stride": tuple(random.randint(1, most) for _ in sides)}
            if random.random() < 0.5:
                own |= {
                    "padding": tuple(random.randint(0, size - 1) for size in kernel for _ in "12")
                }
        builder.add(kind, random.randint(1, 4) if kind == "conv" else 0, inputs, **own)
        unread = unread - {*inputs} | {builder.layers[-1].name}
    ends = sorted(unread)
    for name in ends:
        builder.add("fc", 3, (name,))
    heads = tuple(each.name for each in builder.layers[len(builder.layers) - len(ends) :])
    if len(heads) > 1:
        builder.add("add", inputs=heads)
    return builder.add("fc", random.randint(1, 4)).network()


def transformer(random: Random) -> Network:
    """A block of attention, on words or on the positions of an image; heads may share keys, and
    keys may be more or fewer than queries.
    """
    shared, sharing, size, wide = (random.randint(1, most) for most in (3, 3, 4, 4))
    layers: list[dict[str, Any]] = []

    def add(kind: str, *inputs: str, **keys: Any) -> str:
        layers.append({"name": f"{kind}{len(layers)}", "kind": kind, "inputs": [*inputs], **keys})
        return layers[-1]["name"]

    def linear(above: str, features: int) -> str:
        return add("linear", above, out_features=features)

    tokens = random.randint(1, 7)
    given: dict[str, Any] = {"tokens": tokens, "vocabulary": 9}
    if random.random() < 0.5:
        above = add("embedding", "input", dim=random.randint(1, 5))
    else:
        given = {"height": random.randint(1, 3), "width": random.randint(1, 3), "channels": 2}
        above = add("conv", "input", out_channels=random.randint(1, 5), kernel=1)
        tokens = given["height"] * given["width"]
    asked, read = above, above
    fewer = random.choice(["none", "none", "none", "queries", "keys"])
    if fewer != "none":
        mean = add("global_avg_pool", above)
        asked, read = (mean, above) if fewer == "queries" else (above, mean)
    add(
        "attention",
        linear(asked, shared * sharing * size),
        linear(read, shared * size),
        linear(read, shared * wide),
        heads=shared * sharing,
        kv_heads=shared,
        causal=(fewer != "keys" or tokens == 1) and random.random() < 0.5,
    )
    layers.append({"name": "end", "kind": "linear", "out_features": random.randint(1, 5)})
    return network_of({"name": "x", "input": given, "layers": layers})


def step_of(random: Random) -> TrainingStep:
    """A step of a random network, of one to four samples."""
    rule = random.choice(RULES)
    made = random.choice([network, network, transformer])
    while True:
        try:
            return lower(made(random), rule, random.randint(1, 4))
        except InputError:
            rule, made = random.choice(RULES), network


def mapped(machine: Machine, step: TrainingStep) -> Iterator[tuple[Mapper, Contraction, Mapping]]:
    """Canonical mappings of the small contractions of a step."""
    mapper = Mapper(machine, allocate(step, machine, 1))
    for op in step.ops:
        if isinstance(op, Contraction) and op.nest.macs <= MOST_PRODUCTS:
            try:
                yield mapper, op, mapper.map(op)
            except InputError:
                continue


def cases(number: int, draw: Any) -> Iterator[Case]:
    """Cases of machine ``draw(random)``."""
    random = Random(number)
    try:
        drawn: Machine = draw(random)
    except InputError:
        return
    for mapper, _, mapping in mapped(drawn, step_of(random)):
        yield Case(drawn, mapper, mapping)


def _memories(random: Random) -> dict[str, Any]:
    staging = random.choice([16, 64, 256, 4096])
    return {
        "pe_array__rows": random.randint(1, 4),
        "pe_array__cols": random.randint(1, 4),
        "global_buffer__staging": f"{staging}B",
        "global_buffer__capacity": f"{2 * staging + random.choice(BESIDE)}B",
        "scratchpad__capacity": "64KiB",
        "precision__psum": random.choice([16, 32]),
        **{
            f"precision__{role}": random.choice([8, 16, 24])
            for role in ("weight", "activation", "error", "feedback", "gradient")
        },
    }


def systolic(random: Random, **others: Any) -> Machine:
    """A systolic array. ``others``: further keys."""
    return machine(
        "systolic",
        pe_array__dataflow=random.choice(SYSTOLIC),
        **{**_memories(random), **others},
    )


def row_stationary(random: Random, **others: Any) -> Machine:
    """A row-stationary array. ``others``: further keys."""
    return machine(
        "systolic",
        pe_array__kind="row_stationary",
        pe_array__filter_words=random.choice([2, 12, 224]),
        pe_array__input_words=random.choice([1, 4, 12]),
        pe_array__psum_words=random.choice([1, 4, 24]),
        **{**_memories(random), **others},
    )


def skipping(random: Random, **others: Any) -> Machine:
    """An array that skips zeros, with working space for windows of some sizes only. ``others``:
    further keys.
    """
    kind = random.choice(SKIPPING)
    near = random.random() < 0.5
    skips = {each: random.choice(SKIPS) for each in ("ff", "ep", "wg")}
    own: dict[str, Any] = {"pe_array__kind": kind, "pe_array__skip": skips}
    if kind == "lanes":
        own |= {"pe_array__lanes": random.randint(1, 3), "pe_array__window": 1}
        own["pe_array__operand_buffer"] = random.choice([0, 16])
    if kind == "broadcast":
        own["pe_array__lanes"] = random.randint(1, 2)
    if near:
        policies = ["remote_read", "transposable"] + ["psum_reduce"] * (kind != "broadcast")
        own["near_memory__transpose"] = random.choice(policies)
        own["near_memory__feedback"] = random.choice(["stored", "prng"])
    own["pe_array__skip_outputs"] = random.random() < 0.5
    working = random.choice([16, 20, 24, 32, 48, 64, 96, 128, 256, 600, 2112])
    own |= {
        "scratchpad__working": f"{working}B",
        "scratchpad__capacity": f"{working + random.choice([1, 40, 200, 1 << 16])}B",
    }
    return machine(
        "near_memory" if near else "von_neumann", **{**_memories(random), **own, **others}
    )


def of_any_kind(random: Random, **keys: Any) -> Machine:
    """A machine with any array, of which a whole step is simulated. ``keys``: further keys."""
    others = {
        "mapping__objective": random.choice(["canonical", "cycles", "energy", "edp"]),
        "vector_unit__update_in_pe": random.random() < 0.5,
    }
    placement: dict[str, Any] = {
        "placement__stash": random.choice(["buffer", "scratchpad", "auto", None]),
        "placement__copies": random.choice(["auto", "auto", 1, 2]),
    }
    if random.random() < 0.3:
        last = ["copies", "gradients", "optimizer_state", "stash"]
        placement["placement__order"] = ["weights", "feedback", *random.sample(last, 4)]
    kind = random.choice([skipping, skipping, skipping, systolic, row_stationary])
    if kind is skipping:
        placement |= others
    return kind(random, **placement, **keys)


def chosen(number: int) -> Iterator[Case]:
    """Cases of any tiling that the loops of an op allow, whether or not it fits."""
    random = Random(number)
    try:
        drawn = skipping(random)
    except InputError:
        return
    for mapper, op, _ in mapped(drawn, step_of(random)):
        tiler = Tiler(mapper, op)
        if not tiler.tileable or op.nest.stored:
            continue
        tiling = _tiling(random, tiler)
        if any("must be at most" not in fault for fault in tiler.faults(tiling)):
            continue
        yield Case(drawn, mapper, tiler.mapping(tiling))


def _tiling(random: Random, tiler: Tiler) -> Tiling:
    pes = random.choice(tiler.tiled.channel_splits)
    tiles, columns = tiler.tiled.channel_tiles(pes), tiler.tiled.position_tiles(pes)
    together = random.randint(1, columns)
    wide = [each for each in range(1, columns + 1) if each % together == 0 or each == columns]
    inner, outer = (random.choice(("channels", "positions")) for _ in range(2))
    if random.random() < 0.2:
        # A last tile of the buffer that is shorter than the group of positions that stays.
        inner = outer = "positions"
        wide = [together]
    return Tiling(
        pes,
        inner,
        together,
        random.randint(1, tiler.reduction) if tiler.tiled.staged else tiler.reduction,
        outer,
        random.randint(1, tiles),
        random.choice(wide),
    )
