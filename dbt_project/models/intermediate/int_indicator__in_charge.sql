-- depends_on: {{ ref('int_service__touched_year') }}
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='append_new_columns',
    meta={'touched': {'by': 'int_service__touched_year', 'columns': ['year_number']}}
) }}
-- One row per quarter, half-year or year and territory: persons in charge of any service, each once whatever the services.
with person as (
    select distinct
        period.period_type,
        period.period_start_on,
        month.district_code,
        month.ausl_code,
        month.person_key
    from {{ ref('int_service__known_month') }} as month
    {{ period_cuts('month.month_on') }}
    where
        period.period_type <> 'month'
        and month.person_key > 0
)

select
    person.period_type,
    person.period_start_on,
    cast(extract(year from person.period_start_on) as integer) as year_number,
    place.territory_level,
    place.territory_code,
    count(distinct person.person_key) as n_persons
from person
{{ places('person.district_code', 'person.ausl_code') }}
group by 1, 2, 3, 4, 5
