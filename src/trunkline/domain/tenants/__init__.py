"""Businesses and their telephone numbers. A business is the tenant."""
