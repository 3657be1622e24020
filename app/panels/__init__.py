"""The pieces of the edit page: the prompt and its training, the stack of edits, the face it starts from, files."""
