"""From words to directions: prompt, CLIP guide, losses, training, direction files and edits."""

import stylegan2  # noqa: F401 - before PyTorch: how its threads wait
