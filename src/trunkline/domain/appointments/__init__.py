"""Appointments: working hours, free slots, and bookings that never overlap."""
