"""Sounds made by code, for measuring what interrupts an agent: see `corpus`."""
