"""Faces with labels, for every baseline that learns from a data set: CelebA, CelebA-HQ with its masks, and drawn portraits."""
