-- Strategic indicators: one schema, filled by dbt like the other marts and read by the analyst.
create schema mart_indicator authorization iass_transformer;

set local role iass_transformer;
grant usage on schema mart_indicator to iass_analyst;
alter default privileges in schema mart_indicator grant select on tables to iass_analyst;
reset role;
