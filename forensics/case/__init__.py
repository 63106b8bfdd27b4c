"""One investigation: the case file, what it names, and where its evidence is kept."""
