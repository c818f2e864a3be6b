"""Layer kinds: one file each, with shapes, ops and numbers.

May import zeros/, workload/, step/, config/, numerics/ and kernels/.
"""

from accelsim.config.registries import LAYERS
from accelsim.listing import list_package

list_package(__name__, LAYERS)  # `print(accelsim.layers)` lists what is registered
