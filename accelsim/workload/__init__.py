"""Networks: layers with every shape resolved, their modules, and the files that describe them.

May import step/ and config/. Layer kinds are resolved through config's registries.
"""
