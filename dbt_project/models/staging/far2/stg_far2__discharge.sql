-- One row per discharge of a live quarter of a stay.
select
    discharge.sender_code,
    discharge.discharge_number,
    discharge.discharged_on,
    discharge.discharge_reason_code,
    discharge.delivery_id,
    discharge.record_number
from {{ ref('stg_far2__period') }} as record
inner join {{ source('raw', 'far2__discharge') }} as discharge
    on
        record.delivery_id = discharge.delivery_id
        and record.record_number = discharge.record_number
