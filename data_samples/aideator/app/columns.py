"""What every model and every migration shares: the declarative base, and the string type that autogenerate writes."""

from sqlalchemy import MetaData, String
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import TypeDecorator

metadata = MetaData()


class Base(DeclarativeBase):
    """The base of all models."""

    metadata = metadata


class AutoString(TypeDecorator):
    """A string whose length need not be told."""

    impl = String
    cache_ok = True
