-- Accepted records as received, append-only. Generated from expectations/contracts; do not edit by hand.
create table raw.far1__admission (
    delivery_id bigint not null,
    record_number bigint not null,
    operation text not null,
    sender_code text not null,
    admission_id text not null,
    provider_ausl_code text,
    facility_code text,
    admission_on date,
    service_type_code text,
    identifier_type_code text,
    birth_year smallint,
    sex_code text,
    age_years smallint,
    citizenship_code text,
    marital_status_code text,
    residence_region_code text,
    residence_ausl_code text,
    residence_comune_code text,
    origin_type_code text,
    applicant_type_code text,
    person_ref uuid
);
create table raw.far1__assessment (
    delivery_id bigint not null,
    record_number bigint not null,
    sender_code text not null,
    assessment_number smallint not null,
    assessed_on date,
    assessment_type_code text,
    mobility_level_code text,
    functional_level_code text,
    cognitive_level_code text,
    behavioural_level_code text,
    social_level_code text,
    financial_level_code text
);
create table raw.far2__period (
    delivery_id bigint not null,
    record_number bigint not null,
    operation text not null,
    sender_code text not null,
    period_start_on date not null,
    admission_id text not null,
    provider_ausl_code text,
    facility_code text,
    admission_on date,
    service_type_code text,
    full_days smallint,
    part_days smallint
);
create table raw.far2__tariff (
    delivery_id bigint not null,
    record_number bigint not null,
    sender_code text not null,
    tariff_number smallint not null,
    tariff_from_on date,
    health_share_eur numeric(9,2),
    user_share_eur numeric(9,2),
    municipal_share_eur numeric(9,2)
);
create table raw.far2__assessment (
    delivery_id bigint not null,
    record_number bigint not null,
    sender_code text not null,
    assessment_number smallint not null,
    assessed_on date,
    assessment_type_code text,
    mobility_level_code text,
    functional_level_code text,
    cognitive_level_code text,
    behavioural_level_code text,
    social_level_code text,
    financial_level_code text
);
create table raw.far2__suspension (
    delivery_id bigint not null,
    record_number bigint not null,
    sender_code text not null,
    suspension_number smallint not null,
    suspended_from_on date,
    suspended_to_on date,
    suspension_reason_code text
);
create table raw.far2__discharge (
    delivery_id bigint not null,
    record_number bigint not null,
    sender_code text not null,
    discharge_number smallint not null,
    discharged_on date,
    discharge_reason_code text
);
create index far1__admission_version on raw.far1__admission (delivery_id, record_number);
create index far1__assessment_version on raw.far1__assessment (delivery_id, record_number);
create index far1__admission_key on raw.far1__admission (admission_id);
create index far1__admission_person on raw.far1__admission (person_ref);
create index far2__period_version on raw.far2__period (delivery_id, record_number);
create index far2__tariff_version on raw.far2__tariff (delivery_id, record_number);
create index far2__assessment_version on raw.far2__assessment (delivery_id, record_number);
create index far2__suspension_version on raw.far2__suspension (delivery_id, record_number);
create index far2__discharge_version on raw.far2__discharge (delivery_id, record_number);
create index far2__period_key on raw.far2__period (admission_id);

grant select, insert on raw.far1__admission, raw.far1__assessment, raw.far2__period, raw.far2__tariff, raw.far2__assessment, raw.far2__suspension, raw.far2__discharge to iass_loader;
grant select on raw.far1__admission, raw.far1__assessment, raw.far2__period, raw.far2__tariff, raw.far2__assessment, raw.far2__suspension, raw.far2__discharge to iass_identity, iass_transformer;
