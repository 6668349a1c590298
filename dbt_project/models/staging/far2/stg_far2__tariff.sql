-- One row per tariff of a live quarter of a stay.
select
    tariff.sender_code,
    tariff.tariff_number,
    tariff.tariff_from_on,
    tariff.health_share_eur,
    tariff.user_share_eur,
    tariff.municipal_share_eur,
    tariff.delivery_id,
    tariff.record_number
from {{ ref('stg_far2__period') }} as record
inner join {{ source('raw', 'far2__tariff') }} as tariff
    on
        record.delivery_id = tariff.delivery_id
        and record.record_number = tariff.record_number
