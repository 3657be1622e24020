"""Face parsing: which pixel belongs to which part of a face.

`parts` is the one table of classes, parts, synonyms and colours; `bisenet` the network; `parser` wraps it so that
pictures in [-1, 1] go in and logits of the same size come out; `train` and `metrics` make and measure small parsers.
"""

import stylegan2  # noqa: F401 - before PyTorch: how its threads wait
