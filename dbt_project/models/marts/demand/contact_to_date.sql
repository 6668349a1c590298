-- depends_on: {{ ref('int_iass__touched_cell') }}
-- depends_on: {{ ref('dim_date') }}
{{ config(
    materialized='incremental',
    meta={'touched': {
        'by': 'int_iass__touched_cell',
        'columns': ['year_number', 'territory_level', 'territory_code']
    }},
    indexes=[{'columns': ['territory_level', 'territory_code', 'month_on'], 'unique': true}]
) }}
-- One row per month and territory: what the year holds from January to the end of that month. A person is counted in the first month
-- that saw her, so the running sum of first months is the number of distinct persons to date.
with expected as (
    {{ coverage_of("'IASS'", 'int_iass__touched_cell', ['month'], is_of_years=true) }}
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
        contact.month_on,
        place.territory_level,
        place.territory_code,
        sum(contact.n_contacts) as n_contacts,
        sum(contact.n_demands) as n_demands
    from contact_in_place as contact
    {{ cuts('contact.month_on', 'contact.district_code', 'contact.ausl_code', 'int_iass__touched_cell', ['year']) }}
    group by 1, 2, 3
),

seen as (
    select
        contact_on as month_on,
        district_code,
        ausl_code,
        person_key
    from {{ ref('fct_demand') }}
    where
        is_person_identified
        {% if is_incremental() %}
            and {{ in_touched_years('contact_date_key', 'int_iass__touched_cell') }}
        {% endif %}
),

same_months as (
    {{ persons_by_months('seen') }}
),

person as (
    select
        make_date(year_number, cast(log(2, months & -months) as integer) + 1, 1) as month_on,
        territory_level,
        territory_code,
        sum(n_persons) as n_new_persons
    from same_months
    group by 1, 2, 3
),

summed as (
    select
        expected.period_start_on as month_on,
        expected.is_begun,
        cast(extract(year from expected.period_start_on) as integer) as year_number,
        expected.territory_level,
        expected.territory_code,
        sum(expected.n_months_expected) over to_date as n_deliveries_expected,
        sum(expected.n_months_received) over to_date as n_deliveries_received,
        bool_and(expected.is_whole) over to_date as is_whole,
        bool_and(expected.is_complete) over to_date as is_complete,
        sum(coalesce(contact.n_contacts, 0)) over to_date as n_contacts,
        sum(coalesce(contact.n_demands, 0)) over to_date as n_demands,
        sum(coalesce(person.n_new_persons, 0)) over to_date as n_persons
    from expected
    left join contact
        on
            expected.period_start_on = contact.month_on
            and expected.territory_level = contact.territory_level
            and expected.territory_code = contact.territory_code
    left join person
        on
            expected.period_start_on = person.month_on
            and expected.territory_level = person.territory_level
            and expected.territory_code = person.territory_code
    window to_date as (
        partition by extract(year from expected.period_start_on), expected.territory_level, expected.territory_code
        order by expected.period_start_on
    )
)

select
    month_on,
    year_number,
    territory_level,
    territory_code,
    cast(n_deliveries_expected as integer) as n_deliveries_expected,
    cast(n_deliveries_received as integer) as n_deliveries_received,
    is_whole,
    is_complete,
    cast(case when n_deliveries_received > 0 then n_contacts end as bigint) as n_contacts,
    cast(case when n_deliveries_received > 0 then n_demands end as bigint) as n_demands,
    cast(case when n_deliveries_received > 0 then n_persons end as bigint) as n_persons
from summed
where is_begun
