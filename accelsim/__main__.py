"""``python -m accelsim``."""

from accelsim.cli.app import main

main()
