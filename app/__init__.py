"""The studio: Streamlit pages over `lelsd`, `packs` and `segmentation`. Nothing imports this package but its tests."""
