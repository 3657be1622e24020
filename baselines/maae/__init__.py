"""M-AAE (Sun et al., "Mask-aware photorealistic face attribute manipulation", 2021): docs/maae.md."""
