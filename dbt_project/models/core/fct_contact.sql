-- depends_on: {{ ref('int_iass__touched_day') }}
-- depends_on: {{ ref('int_iass__place_before') }}
{{ config(
    materialized='incremental',
    meta={'touched': {'by': 'int_iass__touched_day', 'columns': ['sender_code', 'contact_on']}},
    indexes=[
        {'columns': ['contact_key'], 'unique': true},
        {'columns': ['sender_code', 'contact_on']},
        {'columns': ['reporter_person_key']},
        {'columns': ['contact_date_key']},
        {'columns': ['district_code']},
        {'columns': ['delivery_key']}
    ]
) }}
-- One row per live contact. n_contacts is 1 for the first contact of a reporter on a day and 0 for her others: sum it.
with contact as (
    select contact.*
    from {{ ref('int_iass__contact') }} as contact
    {% if is_incremental() %}
        inner join {{ ref('int_iass__touched_day') }} as touched
            on
                contact.sender_code = touched.sender_code
                and contact.contact_on = touched.contact_on
    {% endif %}
)

select
    contact.contact_key,
    contact.contact_id,
    contact.contact_on,
    coalesce(day.date_key, -1) as contact_date_key,
    contact.sender_code,
    contact.sender_code as district_code,
    coalesce(district.ausl_code, comune.ausl_code, '-1') as ausl_code,
    case
        when comune.comune_code is null then -1
        else {{ surrogate_key('territory', ["'comune'", 'comune.comune_code', 'comune.valid_from']) }}
    end as territory_key,
    case
        when contact.desk_code is null then -1
        else {{ surrogate_key('desk', ['contact.sender_code', 'contact.desk_code']) }}
    end as desk_key,
    contact.reporter_person_key,
    coalesce(person.person_version_key, -1) as reporter_person_version_key,
    coalesce(mode.contact_mode_key, -1) as contact_mode_key,
    coalesce(reporter_type.reporter_type_key, -1) as reporter_type_key,
    contact.delivery_id as delivery_key,
    contact.reporter_person_key > 0 as is_reporter_identified,
    case
        when contact.reporter_person_key < 0 then 1
        when
            row_number() over (
                partition by
                    contact.sender_code,
                    contact.contact_on,
                    contact.reporter_person_key,
                    {{ 'contact.desk_code' if var('same_day_scope') == 'desk' else 'contact.sender_code' }}
                order by contact.contact_id
            ) = 1 then 1
        else 0
    end as n_contacts,
    cast(contact.n_demands as integer) as n_demands
from contact
left join {{ ref('dim_date') }} as day
    on contact.contact_on = day.date_on
left join {{ ref('territory') }} as comune
    on
        split_part(contact.desk_code, '-', 1) = comune.comune_code
        and contact.contact_on between comune.valid_from and comune.valid_to
left join {{ ref('int_territory__member') }} as district
    on
        district.territory_level = 'district'
        and contact.sender_code = district.territory_code
        and contact.contact_on between district.valid_from and district.valid_to
left join {{ ref('dim_contact_mode') }} as mode
    on contact.contact_mode_code = mode.contact_mode_code
left join {{ ref('dim_reporter_type') }} as reporter_type
    on contact.reporter_type_code = reporter_type.reporter_type_code
left join {{ ref('dim_person') }} as person
    on
        contact.reporter_person_key = person.person_key
        and contact.contact_on between person.valid_from and person.valid_to
-- Kept in the order of days: who counts a year again, or asks for one, reads that year's pages only.
order by contact.contact_on
