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
    {{ coverage_of("'IASS'", 'int_iass__touched_cell') }}
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
    expected.n_months_expected as n_deliveries_expected,
    expected.n_months_received as n_deliveries_received,
    expected.is_whole,
    expected.is_complete,
    case when expected.n_months_received > 0 then coalesce(contact.n_contacts, 0) end as n_contacts,
    case when expected.n_months_received > 0 then coalesce(contact.n_demands, 0) end as n_demands,
    case when expected.n_months_received > 0 then coalesce(person.n_persons, 0) end as n_persons,
    case when expected.n_months_received > 0 then coalesce(reporter.n_persons, 0) end as n_reporters,
    case when expected.n_months_received > 0 then coalesce(without_person.n_demands_without_person, 0) end
        as n_demands_without_person,
    cast(contact.n_demands as double precision) / nullif(contact.n_contacts, 0) as demands_per_contact,
    expected.residents_on,
    expected.n_residents,
    expected.n_residents_covered,
    {{ rate('coalesce(contact.n_contacts, 0)', 'expected.n_residents_covered') }} as contacts_per_1000,
    {{ rate('coalesce(person.n_persons, 0)', 'expected.n_residents_covered') }} as persons_per_1000
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
