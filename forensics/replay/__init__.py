"""Scratch databases, and the guarded child process in which migrations are replayed on them."""
