"""The machine file: sections, defaults and the places of its values.

May import step/ and config/; PE kinds are resolved through config's registries.
"""
