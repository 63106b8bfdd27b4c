"""What trackers hold, and which migration each row stands for."""
