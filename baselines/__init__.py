"""The systems to compare with, a folder a paper. Own implementations of what the papers say."""
