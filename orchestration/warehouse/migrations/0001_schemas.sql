-- Schemas, ownership and privileges of the warehouse. Run by iass_owner; roles exist already (see roles.py).
-- landing, vault and raw belong to iass_owner and are written by the gate and by identity;
-- everything that dbt builds belongs to iass_transformer, whose login is given to no person.

create schema landing;
create schema vault;
create schema raw;

grant usage on schema landing to iass_loader, iass_identity, iass_transformer;
grant usage on schema vault to iass_loader, iass_identity;
grant usage on schema raw to iass_loader, iass_identity, iass_transformer;

create schema staging authorization iass_transformer;
create schema intermediate authorization iass_transformer;
create schema seeds authorization iass_transformer;
create schema core authorization iass_transformer;
create schema mart_demand authorization iass_transformer;
create schema mart_target_group authorization iass_transformer;
create schema mart_outcome authorization iass_transformer;
create schema quality authorization iass_transformer;

-- Tables that row-level policies will need live here, outside dbt: a rebuild would drop policies in silence.
create schema access;
