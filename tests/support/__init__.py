"""What tests share: an installation, worlds of two businesses, and whole systems of processes."""
