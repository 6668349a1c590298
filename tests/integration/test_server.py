"""The embedded server: start, survival, crash, and independence of homes."""

from orchestration.settings import Settings
from orchestration.warehouse import connection


def test_each_test_has_an_empty_migrated_warehouse_of_its_own(settings: Settings) -> None:
    with connection.connect(settings, "loader") as conn:
        assert conn.execute("select count(*) from landing.delivery").fetchone() == (0,)
        assert conn.execute("select current_database()").fetchone() == (settings.database_name,)
