"""Machine keys on which a stall or a component's energy depends, for the summary's advice."""

from __future__ import annotations

from accelsim.config.names import Component

STALL_KEYS = {
    "stall_dram": ("dram.standard", "dram.channels"),
    "stall_noc": ("noc.width", "noc.topology"),
    "stall_bank": ("global_buffer.banks", "scratchpad.banks", "scratchpad.ports"),
    "stall_dependency": ("vector_unit.width", "vector_unit.ops_per_cycle"),
    "stall_drain": ("noc.width", "dram.channels"),
}
"""By cause: the keys that determine how long the array waits."""
ENERGY_KEYS: dict[str, tuple[str, ...]] = {
    Component.MAC: ("precision", "technology"),
    Component.CONTROL: ("pe_array", "technology"),
    Component.SCRATCHPAD: ("scratchpad.capacity", "scratchpad.banks"),
    Component.NOC: ("noc.topology", "pe_array.rows", "pe_array.cols"),
    Component.GLOBAL_BUFFER: ("global_buffer.capacity", "global_buffer.banks"),
    Component.DRAM: ("dram.standard", "precision"),
    Component.VECTOR: ("vector_unit.update_in_pe", "technology"),
    Component.LEAKAGE: ("leakage", "technology"),
}
"""By component: the keys that determine its energy per action, or its number of actions."""
CAUSE_WORDS = {
    "busy": "computing",
    "window_empty": "on windows without work",
    "imbalance": "waiting for slower lanes",
    "stall_dram": "waiting for DRAM",
    "stall_noc": "waiting for the NoC",
    "stall_bank": "waiting for memory banks",
    "stall_dependency": "waiting for the vector unit or another op",
    "stall_drain": "waiting for results to drain",
    "idle": "in lanes without work",
}
"""By cause of array cycles: the words that complete `cycles are spent ...`."""
