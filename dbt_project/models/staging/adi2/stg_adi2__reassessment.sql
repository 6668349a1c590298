-- One row per reassessment of a live month of a taking in charge.
select
    reassessment.sender_code,
    reassessment.reassessment_number,
    reassessment.reassessed_on,
    reassessment.reassessment_reason_code,
    reassessment.confirms_previous_code,
    reassessment.delivery_id,
    reassessment.record_number
from {{ ref('stg_adi2__care') }} as record
inner join {{ source('raw', 'adi2__reassessment') }} as reassessment
    on
        record.delivery_id = reassessment.delivery_id
        and record.record_number = reassessment.record_number
