"""Networks as others publish them, read without running a line of what is inside.

Reads in this order: `extents.py`, places in a file; `unpickle.py`, pickles as data; `torch_files.py` and `zip_files.py`, tensors in
them; `contents.py` and `rosinality.py`, whose network it is; `architecture.py`, which of ours it fits.
"""
