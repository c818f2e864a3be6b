"""Part (e), a transformer: tasks of short epochs, and the costs of a training step."""
