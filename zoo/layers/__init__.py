"""Layers: recurrent stacks, pooling, attention, characters."""
