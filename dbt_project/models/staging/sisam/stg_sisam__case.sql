-- One row per live case of a minor: the current version of each key.
select
    minor_case.sender_code,
    minor_case.period_start_on,
    minor_case.case_id,
    minor_case.identifier_type_code,
    minor_case.person_ref,
    minor_case.sex_code,
    minor_case.birth_year,
    minor_case.age_years,
    minor_case.citizenship_code,
    minor_case.residence_comune_code,
    minor_case.report_on,
    minor_case.reporter_type_code,
    minor_case.report_reason_code,
    minor_case.taking_in_charge_on,
    minor_case.intervention_code,
    minor_case.court_measure_code,
    minor_case.closed_on,
    minor_case.closure_reason_code,
    minor_case.delivery_id,
    minor_case.record_number
from {{ source('raw', 'sisam__case') }} as minor_case
inner join {{ source('landing', 'live_key') }} as live_key
    on
        minor_case.delivery_id = live_key.delivery_id
        and minor_case.record_number = live_key.record_number
where
    live_key.flow_code = 'SISAM'
    and live_key.is_live
