-- depends_on: {{ ref('int_service__touched_cell') }}
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='append_new_columns',
    meta={'touched': {
        'by': 'int_service__touched_cell',
        'columns': ['period_type', 'period_start_on', 'territory_level', 'territory_code']
    }}
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
    {{ periods_first('month.month_on', 'int_service__touched_cell', ['quarter', 'half_year', 'year']) }}
    where month.person_key > 0
)

select
    person.period_type,
    person.period_start_on,
    cast(extract(year from person.period_start_on) as integer) as year_number,
    place.territory_level,
    place.territory_code,
    count(distinct person.person_key) as n_persons
from person
{{ places_then('person', 'int_service__touched_cell') }}
group by 1, 2, 3, 4, 5
