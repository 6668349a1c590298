-- depends_on: {{ ref('int_iass__touched_cell') }}
-- depends_on: {{ ref('dim_date') }}
{{ config(
    materialized='incremental',
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

contact_in_place as (
    select
        cast(date_trunc('month', contact_on) as date) as month_on,
        district_code,
        ausl_code,
        sum(n_contacts) as n_contacts,
        sum(n_demands) as n_demands
    from {{ ref('fct_contact') }}
    {% if is_incremental() %}
        where {{ in_touched_years('contact_date_key', 'int_iass__touched_cell') }}
    {% endif %}
    group by 1, 2, 3
),

contact as (
    select
        period.period_type,
        period.period_start_on,
        place.territory_level,
        place.territory_code,
        cast(sum(contact.n_contacts) as bigint) as n_contacts,
        cast(sum(contact.n_demands) as bigint) as n_demands
    from contact_in_place as contact
    {{ cuts('contact.month_on', 'contact.district_code', 'contact.ausl_code', 'int_iass__touched_cell') }}
    group by 1, 2, 3, 4
),

identified_reporter as (
    select
        contact_on as month_on,
        district_code,
        ausl_code,
        reporter_person_key as person_key
    from {{ ref('fct_contact') }}
    where
        is_reporter_identified
        {% if is_incremental() %}
            and {{ in_touched_years('contact_date_key', 'int_iass__touched_cell') }}
        {% endif %}
),

reporter as (
    {{ persons_in_cells('identified_reporter', 'int_iass__touched_cell') }}
),

asked as (
    select
        cast(date_trunc('month', contact_on) as date) as month_on,
        district_code,
        ausl_code,
        case when is_person_identified then person_key end as person_key,
        count(*) filter (where not is_person_identified) as n_demands_without_person
    from {{ ref('fct_demand') }}
    {% if is_incremental() %}
        where {{ in_touched_years('contact_date_key', 'int_iass__touched_cell') }}
    {% endif %}
    group by 1, 2, 3, 4
),

person as (
    {{ persons_in_cells('asked', 'int_iass__touched_cell') }}
),

without_person as (
    select
        period.period_type,
        period.period_start_on,
        place.territory_level,
        place.territory_code,
        cast(sum(asked.n_demands_without_person) as bigint) as n_demands_without_person
    from asked
    {{ cuts('asked.month_on', 'asked.district_code', 'asked.ausl_code', 'int_iass__touched_cell') }}
    where asked.person_key is null
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
    case when expected.n_deliveries_received > 0 then coalesce(reporter.n_persons, 0) end as n_reporters,
    case when expected.n_deliveries_received > 0 then coalesce(without_person.n_demands_without_person, 0) end
        as n_demands_without_person,
    round(cast(contact.n_demands as numeric) / nullif(contact.n_contacts, 0), 3) as demands_per_contact,
    residents.residents_on,
    residents.n_residents,
    round(1000 * cast(contact.n_contacts as numeric) / residents.n_residents, 2) as contacts_per_1000,
    round(1000 * cast(person.n_persons as numeric) / residents.n_residents, 2) as persons_per_1000
from expected
left join contact
    using (period_type, period_start_on, territory_level, territory_code)
left join reporter
    using (period_type, period_start_on, territory_level, territory_code)
left join person
    using (period_type, period_start_on, territory_level, territory_code)
left join without_person
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
