-- depends_on: {{ ref('int_service__touched_cell') }}
{{ config(
    materialized='incremental',
    meta={'touched': {
        'by': 'int_service__touched_cell',
        'columns': ['year_number', 'territory_level', 'territory_code']
    }},
    indexes=[{'columns': ['year_number', 'territory_level', 'territory_code', 'intensity_code'], 'unique': true}]
) }}
-- One row per year, territory and intensity of care (TOT for all): the national indicator D33Za. Residents who were 75 or more on
-- 1 January and in residential care in the year, each counted once at the highest intensity, per 1,000 residents of that age: of whole
-- years alone.
with person as (
    select
        cast(extract(year from month.month_on) as integer) as year_number,
        place.territory_level,
        place.territory_code,
        month.person_key,
        -- R2D, extensive care of cognitive and behavioural disorders, is extensive care.
        (array['R1', 'R2', 'R3'])[min(month.intensity_rank)] as intensity_code
    from {{ ref('int_service__known_month') }} as month
    {{ cuts('month.month_on', 'month.district_code', 'month.ausl_code', 'int_service__touched_cell', ['year']) }}
    where {{ is_d33za('month', 'month') }}
    group by 1, 2, 3, 4
),

counted as (
    select
        year_number,
        territory_level,
        territory_code,
        coalesce(intensity_code, 'TOT') as intensity_code,
        count(*) as n_persons
    from person
    group by year_number, territory_level, territory_code, grouping sets ((intensity_code), ())
)

select
    counted.year_number,
    counted.territory_level,
    counted.territory_code,
    territory.territory_label,
    counted.intensity_code,
    counted.n_persons,
    coverage.n_months_expected,
    coverage.n_months_received,
    coverage.is_whole,
    coverage.is_complete,
    coverage.structure_on as residents_on,
    coverage.n_residents_75,
    coverage.n_residents_75_covered,
    case when coverage.is_whole then {{ rate('counted.n_persons', 'coverage.n_residents_75_covered') }} end as d33za_per_1000
from counted
left join {{ ref('dim_territory') }} as territory
    on
        counted.territory_level = territory.territory_level
        and counted.territory_code = territory.territory_code
        and make_date(counted.year_number, 1, 1) between territory.valid_from and territory.valid_to
left join {{ ref('int_coverage__cell') }} as coverage
    on
        coverage.subject_code = 'FAR'
        and coverage.period_type = 'year'
        and counted.year_number = extract(year from coverage.period_start_on)
        and counted.territory_level = coverage.territory_level
        and counted.territory_code = coverage.territory_code
