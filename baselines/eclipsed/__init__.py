"""eCLIPsed: Warrington-Arroyo, Ebensperger Buschmann and Favre 2023, "GAN-based Image Editing", EPFL."""
