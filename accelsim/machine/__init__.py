"""The machine file: its sections, defaults and places.

May import step/ and config/; kinds of PE are resolved through config's registries.
"""
