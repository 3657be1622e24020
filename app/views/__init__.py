"""The pages. Each file draws one, from `panels` and `components`."""
