"""Idioms for PyTorch."""
