"""Fitting by gradient or by decomposition: the loop, its checkpoints, its batches, its ranks, and PCA."""
