"""SeCGAN: parallel conditional GANs for face editing via semantic consistency (Sun, Bhattarai, Chen and Kim, 2021).

Reads in this order: config.py, segments.py, stargan.py and attgan.py, losses.py, networks.py, objective.py, training.py, then the
command lines train.py and edit.py, and editor.py, through which the rest of the house asks for edits.
"""
