-- Accepted records as received, append-only. Generated from expectations/contracts; do not edit by hand.
create table raw.sisam__case (
    delivery_id bigint not null,
    record_number bigint not null,
    operation text not null,
    sender_code text not null,
    period_start_on date not null,
    case_id text not null,
    identifier_type_code text,
    person_ref uuid,
    sex_code text,
    birth_year smallint,
    age_years smallint,
    citizenship_code text,
    residence_comune_code text,
    report_on date,
    reporter_type_code text,
    report_reason_code text,
    taking_in_charge_on date,
    intervention_code text,
    court_measure_code text,
    closed_on date,
    closure_reason_code text
);
create table raw.smac__contract (
    delivery_id bigint not null,
    record_number bigint not null,
    operation text not null,
    sender_code text not null,
    period_start_on date not null,
    contract_id text not null,
    identifier_type_code text,
    person_ref uuid,
    sex_code text,
    birth_year smallint,
    age_years smallint,
    citizenship_code text,
    residence_comune_code text,
    care_area_code text,
    care_level_code text,
    daily_amount_eur numeric(10,2),
    start_on date,
    end_on date,
    end_reason_code text,
    isee_band_code text,
    carer_contribution_code text,
    paid_days smallint,
    paid_amount_eur numeric(10,2)
);
create index sisam__case_version on raw.sisam__case (delivery_id, record_number);
create index sisam__case_key on raw.sisam__case (sender_code, case_id);
create index sisam__case_person on raw.sisam__case (person_ref);
create index smac__contract_version on raw.smac__contract (delivery_id, record_number);
create index smac__contract_key on raw.smac__contract (sender_code, contract_id);
create index smac__contract_person on raw.smac__contract (person_ref);

grant select, insert on raw.sisam__case, raw.smac__contract to iass_loader;
grant select on raw.sisam__case, raw.smac__contract to iass_identity, iass_transformer;
