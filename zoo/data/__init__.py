"""Corpora: files to examples, to ids, to padded batches."""
