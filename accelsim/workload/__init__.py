"""Networks: layers with every shape resolved, their modules, and the files they come from.

May import step/ and config/; kinds of layer are resolved through config's registries.
"""
