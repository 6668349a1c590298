-- What may leave the warehouse: releases of aggregates under disclosure control. Written by the publisher, who reads the stars and can
-- change nothing else, read by every role. Nothing here says why a cell is suppressed, nor what it was.
create schema published;
grant usage on schema published to iass_loader, iass_identity, iass_transformer, iass_publisher, iass_analyst;

create table published.release (
    release_id integer generated always as identity primary key,
    period_code text not null,
    released_at timestamptz not null default clock_timestamp(),
    method text not null,
    parameters_sha256 text not null,
    n_cells integer not null,
    n_suppressed integer not null
);
comment on table published.release is 'Each set that iass publish wrote: period, method, parameters and how many cells are suppressed.';

create table published.cell (
    release_id integer not null references published.release,
    measure_code text not null,
    period_type text not null,
    period_code text not null,
    territory_level text not null,
    territory_code text not null,
    member_codes text[] not null,
    n integer,
    is_suppressed boolean not null,
    check ((n is null) = is_suppressed),
    primary key (release_id, measure_code, period_type, period_code, territory_level, territory_code, member_codes)
);
comment on table published.cell is 'Every cell of a release that is not zero, once: its count, or suppressed. member_codes are the members of the dimensions in the order of the parameter file, TOT for all. The memory of later releases.';

create view published.current_cell with (security_invoker = true) as
select distinct on (measure_code, period_type, period_code, territory_level, territory_code, member_codes) *
from published.cell
order by measure_code, period_type, period_code, territory_level, territory_code, member_codes, release_id desc;
comment on view published.current_cell is 'The newest release of each cell.';

grant select on all tables in schema published to iass_loader, iass_identity, iass_transformer, iass_publisher, iass_analyst;
grant insert on published.release, published.cell to iass_publisher;

set local role iass_transformer;
grant usage on schema core, quality to iass_publisher;
grant select on all tables in schema core, quality to iass_publisher;
alter default privileges in schema core, quality grant select on tables to iass_publisher;
reset role;
