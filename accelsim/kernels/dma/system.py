"""Arrays of a machine's DRAM: channels, controllers and DMA."""

from __future__ import annotations

from typing import NamedTuple

from accelsim.kernels.dma.arrays import Dma
from accelsim.kernels.dram.queues import Controller
from accelsim.kernels.dram.state import Dram


class System(NamedTuple):
    """The DRAM of a machine: its state, the controllers of its channels, and the DMA."""

    dram: Dram
    controller: Controller
    dma: Dma
