"""What people of a business find by words, parts of words and numbers."""
