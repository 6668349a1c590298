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
),

-- Nearly everybody has one place, and is one wherever she counts: only the others have to be told apart.
seen as (
    select
        person.*,
        count(*) over (partition by person.period_type, person.period_start_on, person.person_key) = 1 as is_one_everywhere
    from person
),

in_place as (
    select
        period_type,
        period_start_on,
        district_code,
        ausl_code,
        count(*) as n_persons
    from seen
    where is_one_everywhere
    group by 1, 2, 3, 4
),

in_cell as (
    select
        in_place.period_type,
        in_place.period_start_on,
        place.territory_level,
        place.territory_code,
        in_place.n_persons
    from in_place
    {{ places_then('in_place', 'int_service__touched_cell') }}
    union all
    select
        seen.period_type,
        seen.period_start_on,
        place.territory_level,
        place.territory_code,
        count(distinct seen.person_key) as n_persons
    from seen
    {{ places_then('seen', 'int_service__touched_cell') }}
    where not seen.is_one_everywhere
    group by 1, 2, 3, 4
)

select
    period_type,
    period_start_on,
    cast(extract(year from period_start_on) as integer) as year_number,
    territory_level,
    territory_code,
    cast(sum(n_persons) as bigint) as n_persons
from in_cell
group by 1, 2, 3, 4, 5
