"""Agents: what speaks for a business on the telephone."""
