"""The event simulation: components that hand transfers and blocks of tiles to one another. It never sees the learning rule."""
