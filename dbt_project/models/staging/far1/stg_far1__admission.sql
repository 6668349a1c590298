-- One row per live admission: the current version of each key that waits for nothing.
select
    admission.sender_code,
    admission.admission_id,
    admission.facility_code,
    admission.admission_on,
    admission.service_type_code,
    admission.identifier_type_code,
    admission.person_ref,
    admission.sex_code,
    admission.birth_year,
    admission.age_years,
    admission.citizenship_code,
    admission.residence_comune_code,
    admission.origin_type_code,
    admission.applicant_type_code,
    admission.delivery_id,
    admission.record_number
from {{ source('raw', 'far1__admission') }} as admission
inner join {{ source('landing', 'live_key') }} as live_key
    on
        admission.delivery_id = live_key.delivery_id
        and admission.record_number = live_key.record_number
where
    live_key.flow_code = 'FAR1'
    and live_key.is_live
    and not live_key.is_pending
