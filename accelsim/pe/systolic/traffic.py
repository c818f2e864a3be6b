"""Words that a systolic array fetches for a matrix product, per dataflow (SCALE-Sim, Samajdar et
al. 2018).

M output positions, N output channels and reduction K on rows x cols PEs:

- Output stationary: both operands stream, the moving one once per column fold, the stationary one
  once per row fold.
- Weight (input) stationary: weights (inputs) are loaded once, the other operand streams once per
  column fold. Partial sums go to the global buffer and back between folds of K.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class FoldTraffic:
    """Traffic of one product.

    ``moving_passes``, ``stationary_passes``: fetches of each operand in full. ``partial_sums``:
    sums written to the global buffer and read back.
    """

    moving_passes: int
    stationary_passes: int
    partial_sums: int


def fold_traffic(
    positions: int, channels: int, reduction: int, rows: int, cols: int, dataflow: str
) -> FoldTraffic:
    """Traffic of one group's matrix product.

    ``dataflow``: output_stationary, weight_stationary or input_stationary.
    """
    reduction_folds = -(-reduction // rows)
    if dataflow == "output_stationary":
        return FoldTraffic(-(-channels // cols), -(-positions // rows), 0)
    sums = positions * channels * (reduction_folds - 1)
    if dataflow == "weight_stationary":
        return FoldTraffic(-(-channels // cols), 1, sums)
    return FoldTraffic(1, -(-positions // cols), sums)
