"""The dashboard application: its own tables, and how it starts."""
