"""Semantic-VAE (Fontanini et al., "Automatic Generation of Semantic Parts for Face Image Synthesis", 2023): masks, part by part."""
