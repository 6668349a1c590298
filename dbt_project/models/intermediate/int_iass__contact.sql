-- One row per live contact with its reporter's key. A reporter without identifier who is the interested person (01) is the person
-- of the first demand; any other without identifier is unknown, and anonymous by law stays anonymous.
select
    contact.contact_key,
    contact.sender_code,
    contact.contact_id,
    contact.contact_on,
    contact.desk_code,
    contact.contact_mode_code,
    contact.reporter_type_code,
    contact.delivery_id,
    first_demand.n_demands,
    case
        when contact.reporter_ref is not null then coalesce(reporter.person_key, -1)
        when contact.reporter_identifier_type_code = '98' then -2
        when contact.reporter_type_code = '01' and first_demand.person_ref is not null then coalesce(interested.person_key, -1)
        when contact.reporter_type_code = '01' and first_demand.identifier_type_code = '98' then -2
        else -1
    end as reporter_person_key
from {{ ref('stg_iass__contact') }} as contact
left join lateral (
    select
        count(*) as n_demands,
        (array_agg(demand.person_ref order by demand.demand_number))[1] as person_ref,
        (array_agg(demand.identifier_type_code order by demand.demand_number))[1] as identifier_type_code
    from {{ source('raw', 'iass__demand') }} as demand
    where
        contact.delivery_id = demand.delivery_id
        and contact.record_number = demand.record_number
) as first_demand on true
left join {{ source('raw', 'identity__person') }} as reporter
    on contact.reporter_ref = reporter.person_ref
left join {{ source('raw', 'identity__person') }} as interested
    on first_demand.person_ref = interested.person_ref
