"""From words to directions: prompt, CLIP guide, losses, training, direction files and edits."""
