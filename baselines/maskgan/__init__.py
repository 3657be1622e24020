"""MaskGAN (Lee et al., CVPR 2020): a face is painted from a drawn mask in the style of a picture; see docs/maskgan.md."""
