"""The command line: one file per command, thin over the rest of the package.

Options, progress bars and delivery of documents live here. It may import every other folder.
"""

from accelsim.cli.app import main

__all__ = ["main"]
