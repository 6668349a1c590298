"""Brings Superset's own database to the wanted state: tables, accounts, warehouse, dashboards. Harmless to repeat.

Runs in Superset's environment, in one process because each start of Superset costs seconds. Told by the environment:
IASS_BI_WAREHOUSE_URL (a reader's DSN), IASS_BI_ADMIN_PASSWORD, IASS_BI_READER_PASSWORD, IASS_BI_BUNDLE (zip to import).
"""

import os
import sys
from pathlib import Path

from flask_migrate import upgrade
from superset.app import create_app

ADMIN, READER, READER_ROLE = "admin", "lettore", "Lettore"
#: What readers need besides looking at dashboards: every dataset of the warehouse, whose rows the database decides.
READER_EXTRA = [("all_datasource_access", "all_datasource_access")]


def main() -> None:
    app = create_app()
    with app.app_context():
        import superset

        upgrade(directory=str(Path(superset.__file__).parent / "migrations"))
        from superset.extensions import appbuilder, db, security_manager

        appbuilder.add_permissions(update_perms=True)
        security_manager.sync_role_definitions()
        reader_role(security_manager)
        account(security_manager, ADMIN, "Admin", os.environ["IASS_BI_ADMIN_PASSWORD"])
        account(security_manager, READER, READER_ROLE, os.environ["IASS_BI_READER_PASSWORD"])
        db.session.commit()
        import_dashboards(security_manager, Path(os.environ["IASS_BI_BUNDLE"]))


def reader_role(security_manager) -> None:
    role = security_manager.add_role(READER_ROLE)
    known = set(security_manager.find_role("Gamma").permissions)
    for name, view in READER_EXTRA:
        known.add(security_manager.add_permission_view_menu(name, view))
    role.permissions = list(known)


def account(security_manager, name: str, role: str, password: str) -> None:
    user = security_manager.find_user(username=name)
    if user is None:
        security_manager.add_user(
            name, name.capitalize(), "IASS", f"{name}@example.invalid", security_manager.find_role(role), password
        )
    else:
        security_manager.reset_password(user.id, password)


def import_dashboards(security_manager, bundle: Path) -> None:
    from zipfile import ZipFile

    from superset.commands.importers.v1.assets import ImportAssetsCommand
    from superset.commands.importers.v1.utils import get_contents_from_bundle
    from superset.extensions import db
    from superset.models.core import Database
    from superset.utils.core import override_user

    if not bundle.exists():
        print("There is no bundle of dashboards yet: Superset starts without them.")
        return
    with override_user(security_manager.find_user(username=ADMIN)), ZipFile(bundle) as archive:
        contents = get_contents_from_bundle(archive)
        # Not the import of dashboards: that one leaves charts and datasets which are there already as they are.
        ImportAssetsCommand(contents).run()
    # The bundle names the warehouse without its password: its address is set here.
    warehouse = db.session.query(Database).filter_by(database_name="IASS").one()
    warehouse.set_sqlalchemy_uri(os.environ["IASS_BI_WAREHOUSE_URL"])
    warehouse.expose_in_sqllab, warehouse.allow_dml, warehouse.allow_file_upload = True, False, False
    db.session.commit()


if __name__ == "__main__":
    sys.exit(main())
