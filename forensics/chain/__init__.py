"""The folder of migrations: its files, their texts of every time, what they say, and what else the repository holds."""
