-- One row per outcome of a demand of a live contact.
select
    {{ surrogate_key('outcome', ['contact.sender_code', 'contact.contact_id', 'outcome.demand_number', 'outcome.outcome_number']) }}
        as outcome_key,
    {{ surrogate_key('demand', ['contact.sender_code', 'contact.contact_id', 'outcome.demand_number']) }} as demand_key,
    contact.contact_key,
    contact.sender_code,
    contact.contact_on,
    outcome.outcome_number,
    outcome.outcome_type_code,
    outcome.outcome_on,
    outcome.destination_service_code,
    outcome.delivery_id,
    outcome.record_number
from {{ ref('stg_iass__contact') }} as contact
inner join {{ source('raw', 'iass__outcome') }} as outcome
    on
        contact.delivery_id = outcome.delivery_id
        and contact.record_number = outcome.record_number
