-- The gate keeps the statistics of what it writes: of a table that still looks empty, PostgreSQL plans to compare all with all.
grant maintain on all tables in schema raw, landing to iass_loader;
revoke maintain on raw.identity__person, raw.identity__relink, landing.linkage_check, landing.build from iass_loader;
alter default privileges in schema raw grant maintain on tables to iass_loader;
