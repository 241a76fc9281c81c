"""Dagster's storage in PostgreSQL, with the driver that it is written for."""

import sqlalchemy as sa
from dagster._core.storage.config import PostgresStorageConfig
from dagster._serdes import ConfigurableClassData
from dagster_postgres import DagsterPostgresStorage
from dagster_postgres.utils import pg_url_from_config


class PostgreSQLStorage(DagsterPostgresStorage):
    """What `deploy/dagster.yaml` names.

    Of a URL that names no driver SQLAlchemy 2.1 takes psycopg, with which Dagster can neither write an event nor serve
    its page; it needs psycopg2.
    """

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: PostgresStorageConfig
    ) -> DagsterPostgresStorage:
        url = sa.make_url(pg_url_from_config(config_value)).set(drivername="postgresql+psycopg2")
        driven = PostgresStorageConfig(postgres_url=url.render_as_string(hide_password=False))
        return super().from_config_value(inst_data, driven)
