-- The standing check also counts what is linked that should not be.
alter table landing.linkage_check
add column n_absent_linked bigint not null default 0,
add column n_twins bigint not null default 0,
add column n_twins_linked bigint not null default 0;
comment on table landing.linkage_check is
'Records linked by code and linked again with the code hidden: how many came to the same person, to another, to review; and how many
would be linked were their person, or their twin with a similar name, not in the registry.';
