"""Calls: the log of every call, its events and its outcome."""
