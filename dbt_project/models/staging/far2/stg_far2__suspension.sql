-- One row per suspension of a live quarter of a stay.
select
    suspension.sender_code,
    suspension.suspension_number,
    suspension.suspended_from_on,
    suspension.suspended_to_on,
    suspension.suspension_reason_code,
    suspension.delivery_id,
    suspension.record_number
from {{ ref('stg_far2__period') }} as record
inner join {{ source('raw', 'far2__suspension') }} as suspension
    on
        record.delivery_id = suspension.delivery_id
        and record.record_number = suspension.record_number
