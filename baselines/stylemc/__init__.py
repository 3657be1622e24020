"""StyleMC: Kocasari, Dirik, Tiftikci and Yanardag 2022, "StyleMC: Multi-Channel Based Fast Text-Guided Image Generation and Manipulation"."""
