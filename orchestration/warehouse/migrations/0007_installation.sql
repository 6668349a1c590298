-- What this database was filled with. Tokens of another pseudonym key would never meet the ones that are here.
create table migration.installation (
    is_only_row boolean primary key default true check (is_only_row),
    key_fingerprint text not null
);
comment on table migration.installation is 'Fingerprint of the pseudonym key, compared at every start; the key itself is never in the database.';
