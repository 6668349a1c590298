-- depends_on: {{ ref('int_iass__touched_year') }}
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='append_new_columns',
    pre_hook="{{ delete_touched(ref('int_iass__touched_year'), ['year_number']) }}"
) }}
-- One row per quarter, half-year or year and territory in which there was a contact: who came, and where desks were.
with contact as (
    select
        period.period_type,
        period.period_start_on,
        place.territory_level,
        place.territory_code,
        desk_comune.comune_code,
        sum(contact.n_contacts) as n_contacts,
        sum(contact.n_contacts) filter (where reporter_type.reporter_type_code = '01') as n_contacts_of_interested,
        sum(contact.n_contacts) filter (where mode.contact_mode_code = '1') as n_contacts_in_person
    from {{ ref('fct_contact') }} as contact
    inner join {{ ref('dim_reporter_type') }} as reporter_type
        on contact.reporter_type_key = reporter_type.reporter_type_key
    inner join {{ ref('dim_contact_mode') }} as mode
        on contact.contact_mode_key = mode.contact_mode_key
    inner join {{ ref('dim_territory') }} as desk_comune
        on contact.territory_key = desk_comune.territory_key
    {{ cuts('contact.contact_on', 'contact.district_code', 'contact.ausl_code') }}
    where
        period.period_type <> 'month'
        {% if is_incremental() %}
            and {{ in_touched_years('contact.contact_on') }}
        {% endif %}
    group by 1, 2, 3, 4, 5
),

-- Comuni that have merged since stand in no population of today: they count as comuni, not as residents.
comune_residents as (
    select
        population.reference_on,
        comune.comune_code,
        sum(population.n_residents) as n_residents
    from {{ ref('fct_population') }} as population
    inner join {{ ref('dim_territory') }} as comune
        on population.territory_key = comune.territory_key
    group by 1, 2
),

residents_day as (
    select distinct
        year_number,
        residents_on
    from {{ ref('int_population__residents') }}
)

select
    contact.period_type,
    contact.period_start_on,
    cast(extract(year from contact.period_start_on) as integer) as year_number,
    contact.territory_level,
    contact.territory_code,
    sum(contact.n_contacts) as n_contacts,
    coalesce(sum(contact.n_contacts_of_interested), 0) as n_contacts_of_interested,
    coalesce(sum(contact.n_contacts_in_person), 0) as n_contacts_in_person,
    count(*) filter (where contact.comune_code <> '-1') as n_comuni_with_desk,
    coalesce(sum(comune_residents.n_residents) filter (where contact.comune_code <> '-1'), 0) as n_residents_with_desk
from contact
inner join residents_day
    on extract(year from contact.period_start_on) = residents_day.year_number
left join comune_residents
    on
        residents_day.residents_on = comune_residents.reference_on
        and contact.comune_code = comune_residents.comune_code
group by 1, 2, 3, 4, 5
