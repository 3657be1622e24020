"""StyleCLIP: Patashnik, Wu, Shechtman, Cohen-Or and Lischinski 2021, "StyleCLIP: Text-Driven Manipulation of StyleGAN Imagery"."""
