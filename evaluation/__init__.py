"""What an edit does, in numbers: one protocol for every editor, the metrics, and the command that measures directions."""
