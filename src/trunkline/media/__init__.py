"""Floor 3: the clean room. One live call's audio; nothing here blocks."""
