"""Trained models, a folder for each, and word vectors: `pretrained.vectors`."""
