-- One row per live contract of care allowance and half-year: the current version of each key.
select
    contract.sender_code,
    contract.period_start_on,
    contract.contract_id,
    contract.identifier_type_code,
    contract.person_ref,
    contract.sex_code,
    contract.birth_year,
    contract.age_years,
    contract.citizenship_code,
    contract.residence_comune_code,
    contract.care_area_code,
    contract.care_level_code,
    contract.daily_amount_eur,
    contract.start_on,
    contract.end_on,
    contract.end_reason_code,
    contract.isee_band_code,
    contract.carer_contribution_code,
    contract.paid_days,
    contract.paid_amount_eur,
    contract.delivery_id,
    contract.record_number
from {{ source('raw', 'smac__contract') }} as contract
inner join {{ source('landing', 'live_key') }} as live_key
    on
        contract.delivery_id = live_key.delivery_id
        and contract.record_number = live_key.record_number
where
    live_key.flow_code = 'SMAC'
    and live_key.is_live
