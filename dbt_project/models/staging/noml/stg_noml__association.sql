-- One row per effective association of a local code to a regional one.
select
    sender_code,
    local_item_code,
    local_label,
    regional_code,
    valid_from,
    coalesce(valid_to, date '9999-12-31') as valid_to,
    delivery_id
from {{ source('landing', 'local_nomenclature') }}
