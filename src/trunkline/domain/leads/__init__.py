"""Leads: the people a business wants to talk to, and the lists they stand in."""
