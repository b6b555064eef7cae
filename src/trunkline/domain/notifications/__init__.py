"""What people are told: in the page, on their devices and by post, and when they are not disturbed."""
