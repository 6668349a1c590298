-- One row per processed delivery, accepted or refused.
select
    delivery_id,
    file_name,
    flow_code,
    sender_code,
    period_code,
    period_start_on,
    progressive,
    received_at,
    processed_at,
    outcome,
    records_sent,
    records_accepted,
    records_discarded,
    records_flagged,
    contract_version,
    nomenclature_version
from {{ source('landing', 'delivery') }}
