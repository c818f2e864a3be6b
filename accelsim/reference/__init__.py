"""The numbers: layers, learning rules' gradients, optimizers, training, data sets, and traces of real training steps."""
