"""Floor 3: the business. One package per noun."""
