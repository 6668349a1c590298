-- One row per live contact: the current version of each key.
select
    {{ surrogate_key('contact', ['contact.sender_code', 'contact.contact_id']) }} as contact_key,
    contact.sender_code,
    contact.contact_id,
    contact.contact_on,
    contact.desk_code,
    contact.contact_mode_code,
    contact.reporter_type_code,
    contact.reporter_identifier_type_code,
    contact.reporter_ref,
    contact.delivery_id,
    contact.record_number
from {{ source('raw', 'iass__contact') }} as contact
inner join {{ source('landing', 'live_key') }} as live_key
    on
        contact.delivery_id = live_key.delivery_id
        and contact.record_number = live_key.record_number
where
    live_key.flow_code = 'IASS'
    and live_key.is_live
