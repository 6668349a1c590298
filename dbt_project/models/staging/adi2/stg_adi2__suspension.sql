-- One row per suspension of a live month of a taking in charge.
select
    suspension.sender_code,
    suspension.suspension_number,
    suspension.suspended_from_on,
    suspension.suspended_to_on,
    suspension.suspension_reason_code,
    suspension.delivery_id,
    suspension.record_number
from {{ ref('stg_adi2__care') }} as record
inner join {{ source('raw', 'adi2__suspension') }} as suspension
    on
        record.delivery_id = suspension.delivery_id
        and record.record_number = suspension.record_number
