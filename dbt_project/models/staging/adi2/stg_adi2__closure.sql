-- One row per closure of a live month of a taking in charge.
select
    closure.sender_code,
    closure.closure_number,
    closure.closed_on,
    closure.closure_reason_code,
    closure.delivery_id,
    closure.record_number
from {{ ref('stg_adi2__care') }} as record
inner join {{ source('raw', 'adi2__closure') }} as closure
    on
        record.delivery_id = closure.delivery_id
        and record.record_number = closure.record_number
