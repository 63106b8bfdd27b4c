"""Start the backend: `python -m app.main`. The sample stops where the server would begin to listen."""

import logging

from app.database import create_db_and_tables

if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s [%(name)s] %(message)s")
    logging.getLogger("app.main").info("Starting AIdeator")
    create_db_and_tables()
