-- What identity tells the warehouse: token to key, and nothing else. The only bridge out of the vault.
create sequence raw.identity_seq;
create table raw.identity__person (
    person_ref uuid primary key,
    person_key bigint not null,
    match_method_code text not null,
    changed_seq bigint not null
);
comment on table raw.identity__person is 'Token of a presented or registered identity to the key of the person. changed_seq grows with each identity run that changes the row.';
create index identity__person_seq on raw.identity__person (changed_seq);
create index identity__person_key on raw.identity__person (person_key);
grant select, insert, update, delete on raw.identity__person to iass_identity;
grant usage, select on sequence raw.identity_seq to iass_identity, iass_transformer;
grant select on raw.identity__person to iass_transformer;
