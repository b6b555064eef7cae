"""Tasks: what people of a business have to do, by when, and about whom."""
