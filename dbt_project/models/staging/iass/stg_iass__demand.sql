-- One row per demand of a live contact.
select
    {{ surrogate_key('demand', ['contact.sender_code', 'contact.contact_id', 'demand.demand_number']) }} as demand_key,
    contact.contact_key,
    contact.sender_code,
    contact.contact_id,
    contact.contact_on,
    demand.demand_number,
    demand.identifier_type_code,
    demand.person_ref,
    demand.sex_code,
    demand.birth_year,
    demand.age_years,
    demand.citizenship_code,
    demand.residence_comune_code,
    demand.life_cycle_code,
    coalesce(demand.condition_code, '00') as condition_code,
    demand.local_item_code,
    demand.regional_code,
    demand.delivery_id,
    demand.record_number
from {{ ref('stg_iass__contact') }} as contact
inner join {{ source('raw', 'iass__demand') }} as demand
    on
        contact.delivery_id = demand.delivery_id
        and contact.record_number = demand.record_number
