"""Which w+ draws a given picture: `optimise.invert` searches for it, from the mean latent or from an encoder's guess.

`intake` reads a picture that somebody hands in, `align` cuts the face out of it as the generator's pictures have it.
"""
