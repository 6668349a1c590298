-- One row per live taking in charge: the current version of each key that waits for nothing.
select
    charge.sender_code,
    charge.care_id,
    charge.started_on,
    charge.care_type_code,
    charge.identifier_type_code,
    charge.person_ref,
    charge.sex_code,
    charge.birth_year,
    charge.age_years,
    charge.citizenship_code,
    charge.residence_comune_code,
    charge.applicant_type_code,
    charge.delivery_id,
    charge.record_number
from {{ source('raw', 'adi1__taking_in_charge') }} as charge
inner join {{ source('landing', 'live_key') }} as live_key
    on
        charge.delivery_id = live_key.delivery_id
        and charge.record_number = live_key.record_number
where
    live_key.flow_code = 'ADI1'
    and live_key.is_live
    and not live_key.is_pending
