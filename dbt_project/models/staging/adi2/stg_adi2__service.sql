-- One row per service of a live month of a taking in charge.
select
    service.sender_code,
    service.access_number,
    service.service_number,
    service.treatment_code,
    service.n_services,
    service.delivery_id,
    service.record_number
from {{ ref('stg_adi2__care') }} as record
inner join {{ source('raw', 'adi2__service') }} as service
    on
        record.delivery_id = service.delivery_id
        and record.record_number = service.record_number
