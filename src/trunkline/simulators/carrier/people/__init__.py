"""The people at the other end of the line: they speak aloud, and know only what they heard."""
