"""The generator and what belongs to it: synthesis, discriminator, images, checkpoints."""
