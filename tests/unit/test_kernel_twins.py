"""Every kernel has a plain twin, and few parameters."""

from __future__ import annotations

import importlib
import inspect
import pkgutil

import pytest

from accelsim import kernels
from accelsim.kernels import jit
from tests.naive import (
    banks,
    bitmaps,
    broadcast,
    coupled,
    dram,
    dram_controller,
    effectual,
    mesh,
    normalization,
    pipeline,
    pooling,
    receivers,
    recurrent,
    row_stationary,
    tensor_formats,
    tensors,
    tiles,
    zero_skip,
)

TWINS = {
    "links.banks.stream_cycles": banks.stream_cycles,
    "bits.bitmaps.row_popcounts": bitmaps.row_popcounts,
    "bits.bitmaps.slice_rows": bitmaps.slice_rows,
    "bits.bitmaps.split_rows": bitmaps.slice_rows,
    "bits.bitmaps.transpose_64": bitmaps.transpose,
    "bits.bitmaps.transpose_rows": bitmaps.transpose,
    "bits.reads.distinct_reads": receivers.distinct_reads,
    "broadcast.columns.broadcast_tokens": broadcast.broadcast_split,
    "broadcast.columns.column_costs": broadcast.column_costs,
    "broadcast.gradients.batch_sums": broadcast.Array.vector,
    "broadcast.vectors.common_ones": broadcast.Array.vector,
    "broadcast.vectors.count_all": broadcast.Array.vector,
    "broadcast.vectors.count_needed": broadcast.Array.vector,
    "broadcast.gradients.gradient_sums": broadcast.Array.vector,
    "broadcast.vectors.needed_outputs": broadcast.Array.needed,
    "broadcast.gradients.outer_sums": broadcast.Array.vector,
    "broadcast.vectors.serve": broadcast.broadcast_split,
    "broadcast.vectors.serve_active": broadcast.Array.vector,
    "broadcast.vectors.serve_all": broadcast.broadcast_split,
    "broadcast.gradients.state_of": broadcast.broadcast_split,
    "broadcast.vectors.stream_tokens": broadcast.Array.tokens,
    "broadcast.vectors.vector_sums": broadcast.Array.vector,
    "coupled.staging.advance_buffers": coupled.cycle_by_cycle,
    "coupled.staging.refill": coupled.cycle_by_cycle,
    "coupled.staging.schedule": coupled.cycle_by_cycle,
    "coupled.staging.serve": coupled.cycle_by_cycle,
    "coupled.staging.turned_left": coupled.cycle_by_cycle,
    "coupled.staging.turned_right": coupled.cycle_by_cycle,
    "coupled.staging.walk_block": coupled.cycle_by_cycle,
    "coupled.staging.walk_streams": coupled.cycle_by_cycle,
    "coupled.streams.moving_rows": coupled.stream_cycles,
    "coupled.streams.split_rows": coupled.rows_of,
    "coupled.streams.stationary_rows": coupled.pair_stream_cycles,
    "dram.queues.queues_of": dram_controller.Memory.run,
    "dram.state.channel_of": dram.Dram.stream,
    "dram.queues.channel_order": dram_controller.Memory.run,
    "dram.queues.hand_over": dram_controller.Controller.hand_over,
    "dram.queues.locate": dram.decode,
    "dram.controller.maintain": dram_controller.Controller.maintain,
    "dram.controller.record": dram_controller.Controller.issue,
    "dram.controller.run": dram_controller.Memory.run,
    "dram.controller.serve": dram_controller.Controller.serve,
    "dram.queues.settle_joined": dram_controller.Controller.serve,
    "dram.queues.sort_turns": dram_controller.Memory.run,
    "dram.controller.tick": dram_controller.Controller.tick,
    "dram.queues.waiting_write": dram_controller.Controller.waiting_write,
    "dram.scheduling.drains": dram_controller.drains,
    "dram.scheduling.keeps_row": dram_controller.Controller.pick_queued,
    "dram.scheduling.pick_opened": dram_controller.Controller.pick_opened,
    "dram.scheduling.pick_queued": dram_controller.Controller.pick_queued,
    "dram.streams.active_clocks": dram.Channel.active_clocks,
    "dram.timing.allowed_from": dram.Channel.probe,
    "dram.addresses.bank_of": dram.decode,
    "dram.addresses.decode": dram.decode,
    "dram.addresses.field_size": dram.decode,
    "dram.addresses.fill_digits": dram.decode,
    "dram.timing.issue": dram.Channel.issue,
    "dram.timing.needed": dram.Channel.needed,
    "dram.addresses.next_run": dram.decode,
    "dram.timing.probe": dram.Channel.probe,
    "dram.timing.push_back": dram.Channel.issue,
    "dram.streams.refresh": dram.Channel.refresh,
    "dram.streams.refresh_until": dram.Channel.refresh_until,
    "dram.streams.stream": dram.Dram.stream,
    "dram.streams.stream_run": dram.Channel.stream_run,
    "bits.effectual.covered_ones": effectual.covered_ones,
    "bits.effectual.weighted_ones": effectual.masked,
    "bits.formats.run_entries": tensor_formats.run_entries,
    "links.servers.before": pipeline.share,
    "links.servers.reserve": pipeline.Server.reserve,
    "links.servers.reserve_mesh": pipeline.Pipelines.stages,
    "links.servers.scaled": pipeline.Dram.transfer,
    "links.servers.share": pipeline.share,
    "links.mesh.all_pairs": mesh.all_pairs,
    "links.mesh.gather": mesh.gather,
    "links.mesh.multicast": mesh.multicast,
    "links.mesh.route": mesh.route,
    "links.mesh.settle": mesh.unicast,
    "links.mesh.unicast": mesh.unicast,
    "tensors.normalization.channel_moments": normalization.channel_moments,
    "tensors.normalization.error_moments": normalization.error_moments,
    "tensors.normalization.normalize": normalization.normalize,
    "tensors.normalization.normalize_back": normalization.normalize_back,
    "tensors.normalization.rectify_back": normalization.rectify_back,
    "lanes.pair_streams.add_ones": zero_skip.pair_stream_cycles,
    "lanes.pair_streams.append_bits": bitmaps.append_bits,
    "lanes.pair_streams.chunk_at": bitmaps.chunk,
    "lanes.pair_streams.kernel_chunks": zero_skip.stationary_stream,
    "lanes.pair_streams.pair_lanes": zero_skip.pair_stream_cycles,
    "lanes.pair_streams.pair_row": zero_skip.pair_stream_cycles,
    "links.pipeline.advance": pipeline.Pipelines.run,
    "links.pipeline.await_block": pipeline.run_stage,
    "links.pipeline.begin": pipeline.run_stages,
    "links.stages.count": pipeline.Dram.transfer,
    "links.stages.cross_dram": pipeline.Dram.transfer,
    "links.pipeline.earlier": pipeline.Pipelines.run,
    "links.pipeline.end_op": pipeline.run_stages,
    "links.pipeline.next_event": pipeline.Pipelines.run,
    "links.pipeline.push": pipeline.Pipelines.run,
    "links.pipeline.resume": pipeline.run_stage,
    "links.pipeline.wake": pipeline.run_stage,
    "links.stages.work": pipeline.Pipelines.stages,
    "tensors.pooling.pool_errors": pooling.pool_errors,
    "tensors.pooling.pool_maxima": pooling.pool_maxima,
    "tensors.recurrent.add_rows": recurrent.add_rows,
    "tensors.recurrent.gate_sums": recurrent.gate_sums,
    "tensors.recurrent.gru_candidate": recurrent.gru_cell,
    "tensors.recurrent.gru_errors": recurrent.gru_errors,
    "tensors.recurrent.gru_state": recurrent.gru_cell,
    "tensors.recurrent.lstm_cell": recurrent.lstm_cell,
    "tensors.recurrent.lstm_errors": recurrent.lstm_errors,
    "tensors.recurrent.rnn_errors": recurrent.rnn_errors,
    "dense.row_stationary.best_choice": row_stationary.best_choice,
    "dense.row_stationary.fewest_cycles": row_stationary.best_choice,
    "dense.row_stationary.fits": row_stationary.fits,
    "dense.row_stationary.groups": row_stationary.groups,
    "dense.row_stationary.input_rows": row_stationary.input_rows,
    "dense.row_stationary.next_part": row_stationary.next_part,
    "dense.row_stationary.pass_cycles": row_stationary.pass_cycles,
    "dense.row_stationary.places": row_stationary.places,
    "dense.row_stationary.strips": row_stationary.strips,
    "dense.row_stationary.total_cycles": row_stationary.total_cycles,
    "tensors.patches.copy_runs": tensors.gather_patches,
    "tensors.patches.gather_patches": tensors.gather_patches,
    "tensors.patches.gather_runs": tensors.gather_patches,
    "tensors.patches.sum_patches": tensors.sum_patches,
    "lanes.tiles.column_maxima": tiles.column_maxima,
    "lanes.tiles.largest": tiles.largest,
    "lanes.tiles.pack_word": tiles.deal,
    "lanes.tiles.packed_run": tiles.deal,
    "lanes.tiles.packed_tiles": tiles.tile_sums,
    "lanes.tiles.plain_tiles": tiles.tile_sums,
    "lanes.tiles.visit": tiles.visits,
    "lanes.walk.accumulate": zero_skip.walk,
    "lanes.walk.advance": zero_skip.walk,
    "lanes.walk.chunk_limit": zero_skip.walk,
    "lanes.walk.fill_chunks": bitmaps.chunk,
    "lanes.walk.seam": zero_skip.walk,
    "lanes.walk.walk_lanes": zero_skip.walk,
    "lanes.weight_gradient.lane_chunks": bitmaps.chunk,
    "lanes.outer_products.outer_lanes": zero_skip.outer_cycles,
    "lanes.weight_gradient.wgrad_group": zero_skip.wgrad_cycles,
    "lanes.weight_gradient.wgrad_lanes": zero_skip.wgrad_cycles,
    "lanes.weight_gradient.wgrad_serial": zero_skip.wgrad_cycles,
    "lanes.zero_skip.compose": zero_skip.stream_cycles,
    "lanes.zero_skip.long_gaps": zero_skip.walk,
    "lanes.zero_skip.summarise": zero_skip.summary,
}
"""Kernel to the twin that the property tests hold it against, directly or through the function that
calls it.
"""


MOST_PARAMETERS = 10


@pytest.fixture(scope="module", autouse=True)
def _all_kernels() -> None:
    for module in pkgutil.walk_packages(kernels.__path__, "accelsim.kernels."):
        importlib.import_module(module.name)


def test_every_kernel_has_a_twin_and_every_twin_a_kernel() -> None:
    assert sorted(set(jit.DECLARED)) == sorted(TWINS)
    assert all(twin.__module__.startswith("tests.naive.") for twin in TWINS.values())


def test_no_kernel_has_more_than_ten_parameters() -> None:
    counts = {}
    for name in jit.DECLARED:
        module, function = name.rsplit(".", 1)
        kernel = getattr(importlib.import_module(f"accelsim.kernels.{module}"), function)
        counts[name] = len(inspect.signature(getattr(kernel, "py_func", kernel)).parameters)
    assert {name: count for name, count in counts.items() if count > MOST_PARAMETERS} == {}
