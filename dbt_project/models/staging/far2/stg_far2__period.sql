-- One row per live quarter of a stay: the current version of each key that waits for nothing.
select
    period.sender_code,
    period.admission_id,
    period.full_days,
    period.part_days,
    period.delivery_id,
    period.record_number,
    period.period_start_on
from {{ source('raw', 'far2__period') }} as period
inner join {{ source('landing', 'live_key') }} as live_key
    on
        period.delivery_id = live_key.delivery_id
        and period.record_number = live_key.record_number
where
    live_key.flow_code = 'FAR2'
    and live_key.is_live
    and not live_key.is_pending
