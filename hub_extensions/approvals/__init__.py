"""Asking for machines that need a yes, and saying it."""
