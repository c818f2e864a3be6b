"""Typed, frozen specifications of machines, networks, rules and technologies, read from strict YAML with positions."""
