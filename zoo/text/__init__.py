"""Text: tokenizers, vocabularies, casing and the schemes of spans."""
