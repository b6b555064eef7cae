"""Recordings of calls: which there are, where they are kept, and who listens to them."""
