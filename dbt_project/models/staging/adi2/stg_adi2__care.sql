-- One row per live month of a taking in charge: the current version of each key that waits for nothing.
select
    care.sender_code,
    care.care_id,
    care.delivery_id,
    care.record_number,
    care.period_start_on
from {{ source('raw', 'adi2__care') }} as care
inner join {{ source('landing', 'live_key') }} as live_key
    on
        care.delivery_id = live_key.delivery_id
        and care.record_number = live_key.record_number
where
    live_key.flow_code = 'ADI2'
    and live_key.is_live
    and not live_key.is_pending
