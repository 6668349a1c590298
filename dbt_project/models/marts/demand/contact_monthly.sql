-- depends_on: {{ ref('int_iass__touched_cell') }}
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='append_new_columns',
    meta={'touched': {
        'by': 'int_iass__touched_cell',
        'columns': ['period_type', 'period_start_on', 'territory_level', 'territory_code']
    }},
    indexes=[{'columns': ['period_type', 'territory_level', 'period_start_on', 'territory_code'], 'unique': true}]
) }}
-- One row per period, period type and territory, silent ones included: a measure is empty where nobody delivered, never zero.
with expected as (
    select
        period.period_type,
        period.period_start_on,
        place.territory_level,
        place.territory_code,
        count(*) as n_deliveries_expected,
        count(*) filter (where expected.is_received) as n_deliveries_received
    from {{ ref('int_iass__expected_month') }} as expected
    {{ cuts('expected.month_on', 'expected.district_code', 'expected.ausl_code', 'int_iass__touched_cell') }}
    group by 1, 2, 3, 4
),

contact as (
    select
        period.period_type,
        period.period_start_on,
        place.territory_level,
        place.territory_code,
        sum(contact.n_contacts) as n_contacts,
        sum(contact.n_demands) as n_demands,
        count(distinct contact.reporter_person_key) filter (where contact.is_reporter_identified) as n_reporters
    from {{ ref('fct_contact') }} as contact
    {{ cuts('contact.contact_on', 'contact.district_code', 'contact.ausl_code', 'int_iass__touched_cell') }}
    group by 1, 2, 3, 4
),

person as (
    select
        period.period_type,
        period.period_start_on,
        place.territory_level,
        place.territory_code,
        count(distinct demand.person_key) filter (where demand.is_person_identified) as n_persons,
        count(*) filter (where not demand.is_person_identified) as n_demands_without_person
    from {{ ref('fct_demand') }} as demand
    {{ cuts('demand.contact_on', 'demand.district_code', 'demand.ausl_code', 'int_iass__touched_cell') }}
    group by 1, 2, 3, 4
)

select
    expected.period_type,
    expected.period_start_on,
    cast(extract(year from expected.period_start_on) as integer) as year_number,
    expected.territory_level,
    expected.territory_code,
    territory.territory_label,
    cast(expected.n_deliveries_expected as integer) as n_deliveries_expected,
    cast(expected.n_deliveries_received as integer) as n_deliveries_received,
    expected.n_deliveries_received = expected.n_deliveries_expected as is_complete,
    case when expected.n_deliveries_received > 0 then coalesce(contact.n_contacts, 0) end as n_contacts,
    case when expected.n_deliveries_received > 0 then coalesce(contact.n_demands, 0) end as n_demands,
    case when expected.n_deliveries_received > 0 then coalesce(person.n_persons, 0) end as n_persons,
    case when expected.n_deliveries_received > 0 then coalesce(contact.n_reporters, 0) end as n_reporters,
    case when expected.n_deliveries_received > 0 then coalesce(person.n_demands_without_person, 0) end
        as n_demands_without_person,
    round(cast(contact.n_demands as numeric) / nullif(contact.n_contacts, 0), 3) as demands_per_contact,
    residents.residents_on,
    residents.n_residents,
    round(1000 * cast(contact.n_contacts as numeric) / residents.n_residents, 2) as contacts_per_1000,
    round(1000 * cast(person.n_persons as numeric) / residents.n_residents, 2) as persons_per_1000
from expected
left join contact
    using (period_type, period_start_on, territory_level, territory_code)
left join person
    using (period_type, period_start_on, territory_level, territory_code)
left join {{ ref('dim_territory') }} as territory
    on
        expected.territory_level = territory.territory_level
        and expected.territory_code = territory.territory_code
        and expected.period_start_on between territory.valid_from and territory.valid_to
left join {{ ref('int_population__residents') }} as residents
    on
        extract(year from expected.period_start_on) = residents.year_number
        and expected.territory_level = residents.territory_level
        and expected.territory_code = residents.territory_code
