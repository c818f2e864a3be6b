"""Texts above the generated tables of docs/: how each kind of file is written, and the rules
between its keys.
"""

from __future__ import annotations

ARCHITECTURE = """# Machine files

Every key of a machine file (`arch_configs/*.yaml`, `--arch`). Written by `python -m
accelsim.cli.pages.documentation` from the models of `accelsim/machine` and, for each kind of PE
array, `accelsim/pe/<kind>/section.py`; `arch_configs/template.yaml` is a valid machine with every
key in it, those of other kinds of PE array as comments, and `accelsim schema arch` prints the JSON
Schema for editors.

A file is strict YAML: only `true` and `false` are booleans, integers are plain decimal digits (no
`1e3`, `0x10` or `010`), a key may appear once, anchors and tags are refused, an unknown key is a
fault. Quantities carry their unit (`64KiB`, `800MHz`). With `base` a file states only what differs
from another machine; lists and plain values replace the base's, mappings are merged key by key.

Rules between keys:

* `global_buffer.staging` is less than half of `global_buffer.capacity`; `scratchpad.working` is at
  most `scratchpad.capacity`, and less than it on a near-memory machine, whose weights need the
  rest.
* `partitions` divides the number of PEs.
* `pe_array.kind` decides which keys `pe_array` has: those of its table below. Pages of the kinds:
  `docs/pe-lanes.md`, `docs/pe-coupled.md`, `docs/pe-broadcast.md` and `docs/pe-systolic.md`, which
  has `systolic` and `row_stationary`.
* With `systolic` and `row_stationary`, which skip no zeros and have one multiply-accumulate unit
  per PE, `organization` is `von_neumann`.
* With `systolic`, `row_stationary` and `broadcast`, `mapping` has no other `objective` than
  `canonical` and no `pins`. `broadcast` does not reduce over PEs (`near_memory.transpose:
  psum_reduce`).
* With `row_stationary`, `scratchpad.capacity` holds `filter_words`, `input_words` and `psum_words`
  at their precisions.
* A file that gives its base's PE array another `kind` inherits the keys that the new kind has too;
  the others have their defaults. An array that becomes `systolic` or `row_stationary` makes the
  machine `von_neumann` without saying so. With `organization: von_neumann` in a file,
  `vector_unit.update_in_pe` is not the base's either.
* `vector_unit.update_in_pe` needs weights that live in the PEs: `organization: near_memory`.
* `near_memory` has no effect on a `von_neumann` machine.
* `noc.peer_links` has no effect on a mesh, `noc.buffer_ports` none on a tree; there is at most one
  of those ports a row of PEs.
* `global_buffer.interleave` has no effect without `global_buffer.conflicts: modelled`.

What formats, mesh, banks and ports do is in `docs/memories.md`, with examples.
"""

WORKLOAD = """# Network files

How to write a network (`workloads/*.yaml`, the WORKLOAD of the command line). Written by `python -m
accelsim.cli.pages.documentation` from the models of `accelsim/workload/file.py`; `accelsim schema
workload` prints the JSON Schema for editors, and `accelsim check FILE` names every fault of a file,
layers that do not fit together included.

A file is strict YAML: only `true` and `false` are booleans, integers are plain decimal digits, a
key may appear once, anchors and tags are refused, an unknown key is a fault.

## A worked example

A small residual network on 32 x 32 colour images:

```yaml
schema: accelsim.workload/1
name: tiny-resnet
description: a stem, one residual block, a classifier
input: {height: 32, width: 32, channels: 3}
batch: 4                      # samples of a step, when --batch is not given
layers:
  - {name: stem, kind: conv, out_channels: 16, kernel: 3, padding: same}          # 32 x 32 x 16
  - {name: stem_bn, kind: batch_norm}
  - {name: stem_relu, kind: relu}
  - {name: pool, kind: max_pool, kernel: 2}                                       # 16 x 16 x 16
  - {name: conv_a, kind: conv, out_channels: 32, kernel: 3, stride: 2, padding: 1}  # 8 x 8 x 32
  - {name: relu_a, kind: relu}
  - {name: conv_b, kind: conv, out_channels: 32, kernel: 3, padding: 1, groups: 4}  # 4 groups of 8
  # reads `pool`, not the layer above it
  - {name: short, kind: conv, inputs: [pool], out_channels: 32, kernel: 1, stride: 2}
  - {name: sum, kind: add, inputs: [conv_b, short]}
  - {name: sum_relu, kind: relu}
  - {name: mean, kind: global_avg_pool}                                           # 1 x 1 x 32
  - {name: classifier, kind: fc, out_features: 10}
```

```
accelsim check tiny-resnet.yaml
accelsim compare tiny-resnet.yaml --rules bp,dfa --trace random:0.5
```

Of sequences, the input is tokens: `input: {sequence: 35, vocabulary: 33278}`, an `embedding` first,
then `rnn`, `lstm` or `gru` layers, then an `fc` over the vocabulary that sees every time step.

Rules between keys:

* Layers are listed in order, and each reads the layer above it unless `inputs` names others; those
  stand above it, or are `input` itself. The last layer's outputs meet softmax and cross-entropy;
  loss and error of the output are not layers.
* Maps are (rows, columns, channels), channels last; `fc` flattens what it reads. Biases are left
  out.
* `input` is an image (`height`, `width`, `channels`), a vector (`channels` alone) or a sequence
  (`sequence`, `vocabulary`).
* `groups` divides the channels of a convolution's input and output; maps that `add` reads have one
  shape; a pool's padding is smaller than its window.
* Where batch norm stands decides which zeros there are: between a convolution and its ReLU it makes
  the error at the convolution's output dense.
"""

TECHNOLOGY = """# Technology files

Every key of an energy table (`arch_configs/technology/*.yaml`, `technology` of a machine). Written
by `python -m accelsim.cli.pages.documentation` from the models of
`accelsim/cost/technology_file.py`; `accelsim schema technology` prints the JSON Schema, `accelsim
check FILE` names every fault.

A technology has cited numbers of primitive actions (`entries`) and a table of SRAMs, from which a
machine's prices follow: between the operand widths and SRAM sizes given by power laws. A price is
never guessed: an action of a machine without an entry is a fault. What rests on an entry without
`verified: true`, or lies outside the table, is starred in every table and plot.

## Area

A machine's area in mm2 follows from the same file (`accelsim/cost/area.py`). It stands in its
results as `area_mm2`, by component in `area_by_component_mm2` and part by part, with sources, in
`area_sources`. Without the entries named here a result's area is null, and a note says what is
missing.

* `mac`: a multiplier and an adder a lane; `mac.multiplier_area` goes with the square of the widest
  operand, `mac.adder_area` with a sum's width.
* `control`: clock and registers of a lane, and what selects its work: `control.clock_area`,
  `control.registers_area`, and `control.combinational_area` less a 16-bit multiply-add. A systolic
  PE selects nothing and has registers (`control.register_bit_area`) for two operands and a sum
  alone, a lower bound; a row-stationary PE is taken for a lane. Generators of feedback weights
  (`feedback: prng`) are control's too.
* `scratchpad`, `global_buffer`: their banks, from the SRAM table. A bank of two ports takes,
  assumed, the room of two.
* `noc`: assumed, a register of `noc.width` at the end of every link. Links are those of a mesh,
  both ways, or those of a binary tree over the PEs (over rows and columns of a systolic array) and
  `noc.peer_links`. Wires run over the cells; arbiters and queues are left out.
* `vector`: a multiply-add, and assumed registers for three words, for every operation of a cycle.
* `dram`: null, since it is off the chip.

Every part has its share of the gaps that a layout leaves: 3.9 %, `layout.gaps_area` over
`layout.cells_area`. Not in it are pads, the interface to DRAM, the sequencer and test logic. A
window costs the same whatever its width: it comes from EIE's lane, which has one width.
`accelsim/studies/validation/chips/area.py` holds these numbers against published areas.

An iso-area comparison takes machines of about the same `area_mm2`. `accelsim compare` prints the
ratio of areas wherever machines differ in it: change one machine until it is near 1, then read the
ratios of cycles and energy. [results.md](results.md) has an example of two machines.

## Rules between keys

* `sram` is given unless `scaled_from` is; its table is a CSV file beside the technology's, with the
  columns class (`hp` or `lstp`), size_bytes, width_bits, read_pj, write_pj, leakage_mw, area_mm2.
* With `scaled_from` a file starts from another, itself unscaled, technology; its own `entries`
  replace those of the same component, action and bits.
* An entry gives one of `energy`, `power` and `area_mm2`, and a component's action stands once for a
  width.
* Of built-in technologies, 65nm has SRAMs of its own and 28nm 45nm's times a factor; logic of both
  is 45nm's times factors.
"""
