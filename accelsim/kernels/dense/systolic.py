"""Cycles of a dense matrix product on a systolic array: closed forms of SCALE-Sim (Samajdar et al.,
2018, arXiv:1811.02883).
"""

from __future__ import annotations


def fold_cycles(m: int, n: int, k: int, rows: int, cols: int, dataflow: str) -> tuple[int, int]:
    """(cycles, folds) of an M x K by K x N product on rows x cols (R x C) PEs. A partial fold costs
    as much as a full one.

        os: ceil(M/R) ceil(N/C) (K + R + C - 2)
        ws: ceil(K/R) ceil(N/C) (M + 2R + C - 2)
        is: ceil(K/R) ceil(M/C) (N + 2R + C - 2)

    SCALE-Sim reports the index of the last cycle, which is one less. ValueError for another
    dataflow.
    """
    if dataflow == "os":
        folds, length = -(-m // rows) * -(-n // cols), k + rows + cols - 2
    elif dataflow == "ws":
        folds, length = -(-k // rows) * -(-n // cols), m + 2 * rows + cols - 2
    elif dataflow == "is":
        folds, length = -(-k // rows) * -(-m // cols), n + 2 * rows + cols - 2
    else:
        raise ValueError(f"dataflow must be os, ws or is, got {dataflow}")
    return folds * length, folds
