-- Accepted records as received, append-only. Generated from expectations/contracts; do not edit by hand.
create table raw.iass__contact (
    delivery_id bigint not null,
    record_number bigint not null,
    operation text not null,
    sender_code text not null,
    contact_id text not null,
    contact_on date,
    desk_code text,
    contact_mode_code text,
    reporter_type_code text,
    reporter_identifier_type_code text,
    reporter_ref uuid
);
create table raw.iass__demand (
    delivery_id bigint not null,
    record_number bigint not null,
    sender_code text not null,
    demand_number smallint not null,
    identifier_type_code text,
    person_ref uuid,
    sex_code text,
    birth_year smallint,
    age_years smallint,
    citizenship_code text,
    residence_comune_code text,
    life_cycle_code text,
    condition_code text,
    local_item_code text,
    regional_code text
);
create table raw.iass__outcome (
    delivery_id bigint not null,
    record_number bigint not null,
    sender_code text not null,
    demand_number smallint not null,
    outcome_number smallint not null,
    outcome_type_code text,
    outcome_on date,
    destination_service_code text
);
create table raw.naar__person (
    delivery_id bigint not null,
    segment_id bigint not null,
    snapshot_on date not null,
    change_type text not null,
    person_ref uuid not null,
    sex_code text,
    birth_month_on date,
    citizenship_code text,
    residence_comune_code text,
    residence_ausl_code text,
    assistance_ausl_code text,
    status_code text,
    status_on date,
    death_on date
);
create table raw.noml__item (
    delivery_id bigint not null,
    record_number bigint not null,
    sender_code text not null,
    file_valid_on date not null,
    local_item_code text not null,
    local_label text,
    regional_code text not null,
    valid_from date not null,
    valid_to date,
    note text
);
create index iass__contact_version on raw.iass__contact (delivery_id, record_number);
create index iass__demand_version on raw.iass__demand (delivery_id, record_number);
create index iass__outcome_version on raw.iass__outcome (delivery_id, record_number);
create index iass__contact_key on raw.iass__contact (sender_code, contact_id);
create index iass__contact_day on raw.iass__contact (sender_code, contact_on);
create index iass__contact_reporter on raw.iass__contact (reporter_ref);
create index iass__demand_person on raw.iass__demand (person_ref);
create index naar__person_ref on raw.naar__person (person_ref);
create index naar__person_delivery on raw.naar__person (delivery_id);
create index naar__person_segment on raw.naar__person (segment_id);

grant select, insert on all tables in schema raw to iass_loader;
grant select on all tables in schema raw to iass_identity, iass_transformer;
