"""Idioms for Keras."""
