"""Put a user and a few tasks into a new database. Starts beside the migration job, and does not wait for it."""

import logging
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from app.database import url
from app.models import Task, TaskOutput, User
from sqlalchemy import create_engine, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

EMAIL = "test@example.com"
log = logging.getLogger("scripts.add_mock_task_data")


def add(session):
    """Add what is not there yet."""
    if session.scalar(select(User.id).where(User.email == EMAIL)):
        log.info("The mock data is there already")
        return
    session.add(User(id="user_1", email=EMAIL, hashed_password="-", is_active=True, is_superuser=False))
    session.flush()
    for number, status in enumerate(("pending", "running", "completed"), 1):
        task = Task(
            id=f"task_{number}",
            user_id="user_1",
            github_url="https://git.example.com/acme/shop",
            prompt="Add a dark theme",
            variations=1,
            status=status,
            archived=False,
        )
        session.add(task)
        session.flush()
        session.add(TaskOutput(task_id=task.id, variation_id=0, content="Looking at the code", output_type="stdout"))
    session.commit()
    log.info("Added 1 user, 3 tasks, 3 outputs")


def main():
    """Add the mock data; exit with 1 where the tables are not there."""
    engine = create_engine(url())
    try:
        with Session(engine) as session:
            log.info("Adding mock data")
            add(session)
    except SQLAlchemyError as error:
        log.error("Mock data failed: %s", str(getattr(error, "orig", error)).splitlines()[0])
        return 1
    finally:
        engine.dispose()
    return 0


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s [%(name)s] %(message)s")
    sys.exit(main())
