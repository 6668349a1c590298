-- Of most tokens whose row changes only the method does: a code that the registry now tells of as an old one of a person whom linkage had
-- found. That makes no fact differ, and is not worth writing all years again that know the person.
alter table raw.identity__person add column moved_seq bigint;
update raw.identity__person set moved_seq = changed_seq;
alter table raw.identity__person alter column moved_seq set not null;
comment on column raw.identity__person.changed_seq is 'The identity run that last changed the row: its key or the method that found it.';
comment on column raw.identity__person.moved_seq is 'The identity run that gave the token its key.';
create index identity__person_moved_seq on raw.identity__person (moved_seq);
