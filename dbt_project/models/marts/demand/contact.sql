{{ config(materialized='view', post_hook='{{ security_invoker() }}') }}
-- One row per contact, with every label: the table to start from.
select
    contact.contact_key,
    contact.contact_id,
    contact.contact_on,
    day.year_number,
    day.month_on,
    day.month_label,
    contact.district_code,
    district.district_label,
    contact.ausl_code,
    district.ausl_label,
    desk.desk_code,
    desk.comune_label as desk_comune_label,
    mode.contact_mode_label,
    reporter_type.reporter_type_label,
    contact.reporter_person_key,
    contact.is_reporter_identified,
    contact.n_contacts,
    contact.n_demands
from {{ ref('fct_contact') }} as contact
inner join {{ ref('dim_date') }} as day
    on contact.contact_date_key = day.date_key
inner join {{ ref('dim_desk') }} as desk
    on contact.desk_key = desk.desk_key
inner join {{ ref('dim_contact_mode') }} as mode
    on contact.contact_mode_key = mode.contact_mode_key
inner join {{ ref('dim_reporter_type') }} as reporter_type
    on contact.reporter_type_key = reporter_type.reporter_type_key
left join {{ ref('dim_territory') }} as district
    on
        district.territory_level = 'district'
        and contact.district_code = district.territory_code
        and contact.contact_on between district.valid_from and district.valid_to
