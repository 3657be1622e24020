"""Shape control: masks that Semantic-VAE or a brush changes, painted by MaskGAN (section 4.3 of the Semantic-VAE paper)."""
