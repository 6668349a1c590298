-- One row per access of a live month of a taking in charge.
select
    access.sender_code,
    access.access_number,
    access.access_on,
    access.access_type_code,
    access.n_accesses,
    access.operator_type_code,
    access.delivery_id,
    access.record_number
from {{ ref('stg_adi2__care') }} as record
inner join {{ source('raw', 'adi2__access') }} as access
    on
        record.delivery_id = access.delivery_id
        and record.record_number = access.record_number
