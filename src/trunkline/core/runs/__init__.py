"""Runs: one machine under everything that works through many items."""
