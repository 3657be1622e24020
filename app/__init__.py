"""The studio: Streamlit pages over `lelsd`, `packs` and `segmentation`. Nothing imports this package but its tests."""

import stylegan2  # noqa: F401 - before PyTorch: how its threads wait
