"""The generator and what belongs to it: synthesis, discriminator, images, checkpoints.

Whatever room of this project is imported first imports this package before PyTorch, for the sake of one setting. OpenMP's threads,
which PyTorch computes with on a CPU, wait for each other by spinning unless they are told to sleep; where two processes share
the cores, as the studio does with a training, each spins away what the other needs: see benchmarks/README.md.
"""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # is read once, when PyTorch's OpenMP library is loaded
