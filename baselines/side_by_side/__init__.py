"""One wish on the same pictures by every editor that a pack has, side by side and measured: what the Compare page shows."""
