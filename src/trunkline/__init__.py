"""Trunkline: a self-hosted, multi-tenant AI call centre."""

__version__ = "0.1.0"
