"""Floor 2: the law. What every domain must obey and none may do by itself."""
