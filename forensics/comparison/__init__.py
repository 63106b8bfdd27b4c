"""Two schemas side by side: environments, saved snapshots, chains."""
