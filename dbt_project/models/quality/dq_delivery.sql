-- One row per processed delivery, refused ones included: what came, what stayed, how late.
select
    delivery_id,
    flow_code,
    sender_code,
    period_code,
    period_start_on,
    progressive,
    outcome,
    received_at,
    records_sent,
    records_accepted,
    records_discarded,
    records_flagged,
    round(100 * cast(records_discarded as numeric) / nullif(records_sent, 0), 2) as discarded_percent
from {{ ref('stg_landing__delivery') }}
