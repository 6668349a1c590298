-- Marts of the offer of services and of the citizen's path: made by the transformer, read by the analyst, as 0001 and 0006 say for the first ones.
create schema mart_offer authorization iass_transformer;
create schema mart_pathway authorization iass_transformer;

set local role iass_transformer;
grant usage on schema mart_offer, mart_pathway to iass_analyst;
alter default privileges in schema mart_offer, mart_pathway grant select on tables to iass_analyst;
reset role;
