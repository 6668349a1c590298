-- One row per processed delivery. What a file name did not tell is the unknown member, its period has no day. A file that met an error
-- of ours was not processed yet.
select
    delivery_id,
    file_name,
    coalesce(flow_code, '-1') as flow_code,
    coalesce(sender_code, '-1') as sender_code,
    coalesce(period_code, '-1') as period_code,
    period_start_on,
    progressive,
    received_at,
    processed_at,
    outcome,
    outcome = 'accepted' and (records_accepted > 0 or records_sent = 0) as is_received,
    records_sent,
    records_accepted,
    records_discarded,
    records_flagged,
    contract_version,
    nomenclature_version
from {{ source('landing', 'delivery') }}
where outcome <> 'failed'
