"""accelsim: what would a learning rule other than backpropagation buy on real hardware?"""

__version__ = "0.1.0"
