-- Accepted records as received, append-only. Generated from expectations/contracts; do not edit by hand.
create table raw.adi1__taking_in_charge (
    delivery_id bigint not null,
    record_number bigint not null,
    operation text not null,
    sender_code text not null,
    care_id text not null,
    identifier_validity_code text,
    identifier_type_code text,
    birth_year smallint,
    sex_code text,
    age_years smallint,
    citizenship_code text,
    marital_status_code text,
    parental_responsibility_code text,
    residence_region_code text,
    residence_ausl_code text,
    residence_comune_code text,
    residence_country_code text,
    n_cohabitants smallint,
    live_in_carer_code text,
    provider_region_code text,
    provider_ausl_code text,
    network_member_code text,
    network_type_code text,
    started_on date,
    applicant_type_code text,
    care_type_code text,
    shared_planning_code text,
    person_ref uuid
);
create table raw.adi1__assessment (
    delivery_id bigint not null,
    record_number bigint not null,
    sender_code text not null,
    assessment_number smallint not null,
    assessed_on date,
    main_condition_code text,
    concomitant_condition_code text,
    autonomy_code text,
    mobility_code text,
    cognitive_disorder_code text,
    behavioural_disorder_code text,
    social_support_code text,
    family_fragility_code text,
    infection_risk_code text,
    bleeding_risk_code text,
    postural_drainage_need_code text,
    oxygen_therapy_need_code text,
    ventilation_need_code text,
    tracheostomy_need_code text,
    assisted_feeding_need_code text,
    enteral_feeding_need_code text,
    parenteral_feeding_need_code text,
    stoma_care_need_code text,
    elimination_need_code text,
    sleep_rhythm_need_code text,
    health_education_need_code text,
    skin_lesion_need_code text,
    ulcer_grade_1_2_need_code text,
    ulcer_grade_3_4_need_code text,
    blood_sampling_need_code text,
    ecg_need_code text,
    telemetry_need_code text,
    injection_infusion_need_code text,
    catheter_care_need_code text,
    transfusion_need_code text,
    pain_control_need_code text,
    palliative_care_code text,
    neurological_rehabilitation_code text,
    motor_rehabilitation_code text,
    maintenance_rehabilitation_code text,
    continuous_supervision_code text,
    iadl_assistance_code text,
    adl_assistance_code text,
    caregiver_support_code text,
    clinical_sign_code text,
    need_instrument_code text,
    multidimensional_instrument_code text
);
create table raw.adi2__care (
    delivery_id bigint not null,
    record_number bigint not null,
    operation text not null,
    sender_code text not null,
    period_start_on date not null,
    care_id text not null,
    provider_region_code text,
    provider_ausl_code text,
    started_on date
);
create table raw.adi2__reassessment (
    delivery_id bigint not null,
    record_number bigint not null,
    sender_code text not null,
    reassessment_number smallint not null,
    reassessed_on date,
    reassessment_reason_code text,
    confirms_previous_code text,
    main_condition_code text,
    concomitant_condition_code text,
    autonomy_code text,
    mobility_code text,
    cognitive_disorder_code text,
    behavioural_disorder_code text,
    social_support_code text,
    family_fragility_code text,
    infection_risk_code text,
    bleeding_risk_code text,
    postural_drainage_need_code text,
    oxygen_therapy_need_code text,
    ventilation_need_code text,
    tracheostomy_need_code text,
    assisted_feeding_need_code text,
    enteral_feeding_need_code text,
    parenteral_feeding_need_code text,
    stoma_care_need_code text,
    elimination_need_code text,
    sleep_rhythm_need_code text,
    health_education_need_code text,
    skin_lesion_need_code text,
    ulcer_grade_1_2_need_code text,
    ulcer_grade_3_4_need_code text,
    blood_sampling_need_code text,
    ecg_need_code text,
    telemetry_need_code text,
    injection_infusion_need_code text,
    catheter_care_need_code text,
    transfusion_need_code text,
    pain_control_need_code text,
    palliative_care_code text,
    neurological_rehabilitation_code text,
    motor_rehabilitation_code text,
    maintenance_rehabilitation_code text,
    continuous_supervision_code text,
    iadl_assistance_code text,
    adl_assistance_code text,
    caregiver_support_code text,
    clinical_sign_code text,
    need_instrument_code text,
    multidimensional_instrument_code text
);
create table raw.adi2__access (
    delivery_id bigint not null,
    record_number bigint not null,
    sender_code text not null,
    access_number smallint not null,
    access_type_code text,
    access_on date,
    n_accesses smallint,
    operator_type_code text
);
create table raw.adi2__service (
    delivery_id bigint not null,
    record_number bigint not null,
    sender_code text not null,
    access_number smallint not null,
    service_number smallint not null,
    treatment_code text,
    n_services smallint
);
create table raw.adi2__suspension (
    delivery_id bigint not null,
    record_number bigint not null,
    sender_code text not null,
    suspension_number smallint not null,
    suspended_from_on date,
    suspended_to_on date,
    suspension_reason_code text
);
create table raw.adi2__closure (
    delivery_id bigint not null,
    record_number bigint not null,
    sender_code text not null,
    closure_number smallint not null,
    closed_on date,
    closure_reason_code text
);
create index adi1__taking_in_charge_version on raw.adi1__taking_in_charge (delivery_id, record_number);
create index adi1__assessment_version on raw.adi1__assessment (delivery_id, record_number);
create index adi1__taking_in_charge_key on raw.adi1__taking_in_charge (care_id);
create index adi1__taking_in_charge_person on raw.adi1__taking_in_charge (person_ref);
create index adi2__care_version on raw.adi2__care (delivery_id, record_number);
create index adi2__reassessment_version on raw.adi2__reassessment (delivery_id, record_number);
create index adi2__access_version on raw.adi2__access (delivery_id, record_number);
create index adi2__service_version on raw.adi2__service (delivery_id, record_number);
create index adi2__suspension_version on raw.adi2__suspension (delivery_id, record_number);
create index adi2__closure_version on raw.adi2__closure (delivery_id, record_number);
create index adi2__care_key on raw.adi2__care (care_id);

grant select, insert on raw.adi1__taking_in_charge, raw.adi1__assessment, raw.adi2__care, raw.adi2__reassessment, raw.adi2__access, raw.adi2__service, raw.adi2__suspension, raw.adi2__closure to iass_loader;
grant select on raw.adi1__taking_in_charge, raw.adi1__assessment, raw.adi2__care, raw.adi2__reassessment, raw.adi2__access, raw.adi2__service, raw.adi2__suspension, raw.adi2__closure to iass_identity, iass_transformer;
