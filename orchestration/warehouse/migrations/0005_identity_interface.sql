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

-- Which keys lost a token, so that an incremental build also mends the person it left. Written by the trigger, whatever moves a token.
create table raw.identity__relink (
    person_ref uuid not null,
    old_person_key bigint not null,
    changed_seq bigint not null
);
comment on table raw.identity__relink is 'Tokens that were moved from one person to another: the key they had before.';
create index identity__relink_seq on raw.identity__relink (changed_seq);
grant select on raw.identity__relink to iass_identity, iass_transformer;
grant insert on raw.identity__relink to iass_identity;

create function raw.note_relink() returns trigger language plpgsql as $$
begin
    insert into raw.identity__relink (person_ref, old_person_key, changed_seq)
    values (old.person_ref, old.person_key, new.changed_seq);
    return null;
end
$$;
create trigger identity__person_relink after update on raw.identity__person
for each row when (old.person_key is distinct from new.person_key) execute function raw.note_relink();

-- Statistics after a first load: see 0003.
grant maintain on raw.identity__person to iass_identity;
grant maintain on raw.naar__person to iass_loader;
