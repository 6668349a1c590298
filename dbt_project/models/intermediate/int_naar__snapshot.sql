-- One row per month with a registry snapshot: its last one.
select
    cast(date_trunc('month', period_start_on) as date) as month_on,
    max(period_start_on) as snapshot_on,
    (array_agg(delivery_id order by period_start_on desc, delivery_id desc))[1] as delivery_id
from {{ ref('stg_landing__delivery') }}
where
    flow_code = 'NAAR'
    and outcome = 'accepted'
group by date_trunc('month', period_start_on)
