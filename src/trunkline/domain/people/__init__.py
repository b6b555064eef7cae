"""People who sign in: users of a business, and system admins who belong to none."""
