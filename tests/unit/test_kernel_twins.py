"""Every kernel has a plain twin."""

from __future__ import annotations

import importlib
import pkgutil

from accelsim import kernels
from tests.naive import bitmaps, dram, effectual, normalization, pipeline, pooling, recurrent, tensors, tiles, zero_skip

TWINS = {
    "bitmaps.row_popcounts": bitmaps.row_popcounts,
    "bitmaps.slice_rows": bitmaps.slice_rows,
    "bitmaps.transpose_64": bitmaps.transpose,
    "bitmaps.transpose_rows": bitmaps.transpose,
    "dram_timing.active_clocks": dram.Channel.active_clocks,
    "dram_timing.decode": dram.decode,
    "dram_timing.field_size": dram.decode,
    "dram_timing.fill_digits": dram.decode,
    "dram_timing.issue": dram.Channel.issue,
    "dram_timing.needed": dram.Channel.needed,
    "dram_timing.next_run": dram.decode,
    "dram_timing.probe": dram.Channel.probe,
    "dram_timing.push_back": dram.Channel.issue,
    "dram_timing.refresh": dram.Channel.refresh,
    "dram_timing.refresh_until": dram.Channel.refresh_until,
    "dram_timing.stream": dram.Dram.stream,
    "dram_timing.stream_run": dram.Channel.stream_run,
    "effectual.covered_ones": effectual.covered_ones,
    "effectual.weighted_ones": effectual.masked,
    "normalization.channel_moments": normalization.channel_moments,
    "normalization.error_moments": normalization.error_moments,
    "normalization.normalize": normalization.normalize,
    "normalization.normalize_back": normalization.normalize_back,
    "normalization.rectify_back": normalization.rectify_back,
    "pair_streams.add_ones": zero_skip.pair_stream_cycles,
    "pair_streams.append_bits": bitmaps.append_bits,
    "pair_streams.chunk_at": bitmaps.chunk,
    "pair_streams.kernel_chunks": zero_skip.stationary_stream,
    "pair_streams.pair_lanes": zero_skip.pair_stream_cycles,
    "pair_streams.pair_row": zero_skip.pair_stream_cycles,
    "pipeline.advance": pipeline.Pipelines.run,
    "pipeline.await_block": pipeline.run_stage,
    "pipeline.before": pipeline.share,
    "pipeline.begin": pipeline.run_stages,
    "pipeline.count": pipeline.Dram.transfer,
    "pipeline.cross_dram": pipeline.Dram.transfer,
    "pipeline.earlier": pipeline.Pipelines.run,
    "pipeline.homeless": pipeline.Dram.transfer,
    "pipeline.push": pipeline.Pipelines.run,
    "pipeline.reserve": pipeline.Server.reserve,
    "pipeline.resume": pipeline.run_stage,
    "pipeline.scaled": pipeline.Dram.transfer,
    "pipeline.share": pipeline.share,
    "pipeline.wake": pipeline.run_stage,
    "pipeline.work": pipeline.Pipelines.stages,
    "pooling.pool_errors": pooling.pool_errors,
    "pooling.pool_maxima": pooling.pool_maxima,
    "recurrent.add_rows": recurrent.add_rows,
    "recurrent.gate_sums": recurrent.gate_sums,
    "recurrent.gru_candidate": recurrent.gru_cell,
    "recurrent.gru_errors": recurrent.gru_errors,
    "recurrent.gru_state": recurrent.gru_cell,
    "recurrent.lstm_cell": recurrent.lstm_cell,
    "recurrent.lstm_errors": recurrent.lstm_errors,
    "recurrent.rnn_errors": recurrent.rnn_errors,
    "tensors.copy_runs": tensors.gather_patches,
    "tensors.gather_patches": tensors.gather_patches,
    "tensors.gather_runs": tensors.gather_patches,
    "tensors.sum_patches": tensors.sum_patches,
    "tiles.column_maxima": tiles.column_maxima,
    "tiles.gcd": tiles.gcd,
    "tiles.largest": tiles.largest,
    "tiles.pack_word": tiles.deal,
    "tiles.packed_run": tiles.deal,
    "tiles.packed_tiles": tiles.tile_sums,
    "tiles.plain_tiles": tiles.tile_sums,
    "walk.accumulate": zero_skip.walk,
    "walk.advance": zero_skip.walk,
    "walk.chunk_limit": zero_skip.walk,
    "walk.fill_chunks": bitmaps.chunk,
    "walk.seam": zero_skip.walk,
    "walk.walk_lanes": zero_skip.walk,
    "weight_gradient.lane_chunks": bitmaps.chunk,
    "weight_gradient.outer_lanes": zero_skip.outer_cycles,
    "weight_gradient.wgrad_group": zero_skip.wgrad_cycles,
    "weight_gradient.wgrad_lanes": zero_skip.wgrad_cycles,
    "zero_skip.compose": zero_skip.stream_cycles,
    "zero_skip.long_gaps": zero_skip.walk,
    "zero_skip.summarise": zero_skip.summary,
}
"""Kernel to the twin that the property tests hold it against, directly or through the function that calls it."""


def test_every_kernel_has_a_twin_and_every_twin_a_kernel() -> None:
    for module in pkgutil.iter_modules(kernels.__path__):
        importlib.import_module(f"accelsim.kernels.{module.name}")
    assert sorted(set(kernels.DECLARED)) == sorted(TWINS)
    assert all(twin.__module__.startswith("tests.naive.") for twin in TWINS.values())
