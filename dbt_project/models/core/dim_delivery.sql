-- One row per accepted delivery, and the unknown member.
select
    delivery_id as delivery_key,
    flow_code,
    sender_code,
    period_code,
    period_start_on,
    progressive,
    file_name,
    received_at,
    processed_at,
    records_sent,
    records_accepted,
    records_discarded,
    records_flagged,
    contract_version,
    nomenclature_version
from {{ ref('stg_landing__delivery') }}
where outcome = 'accepted'
union all
select
    -1, '-1', '-1', '-1', date '1900-01-01', cast(0 as smallint), '-1', timestamptz '1900-01-01', timestamptz '1900-01-01',
    0, 0, 0, 0, '-1', cast(0 as smallint)
