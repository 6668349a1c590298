-- The analyst reads what dbt publishes (core, marts, quality) and nothing before it: no staging, no raw, no landing, no vault.
-- The transformer owns those schemas and grants on its own tables, present and to come, so a rebuild keeps the rights.
set local role iass_transformer;
grant usage on schema core, mart_demand, mart_target_group, mart_outcome, quality to iass_analyst;
grant select on all tables in schema core, mart_demand, mart_target_group, mart_outcome, quality to iass_analyst;
alter default privileges in schema core, mart_demand, mart_target_group, mart_outcome, quality
grant select on tables to iass_analyst;
reset role;
