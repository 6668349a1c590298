-- depends_on: {{ ref('int_iass__touched_cell') }}
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='append_new_columns',
    meta={'touched': {
        'by': 'int_iass__touched_cell',
        'columns': ['period_type', 'period_start_on', 'territory_level', 'territory_code']
    }},
    indexes=[
        {'columns': ['period_type', 'territory_level', 'period_start_on', 'territory_code',
            'report_target_code', 'sex_code', 'age_band_code'], 'unique': true}
    ]
) }}
-- One row per period, period type, territory and cut by target, sex and age band; TOT stands for all. Persons are distinct in each row.
-- The row with TOT everywhere counts each person once, so it is less than the sum of targets.
with person as (
    select distinct
        period.period_type,
        period.period_start_on,
        place.territory_level,
        place.territory_code,
        target.report_target_code,
        fact.sex_code,
        age_band.age_band_code,
        fact.person_key
    from {{ ref('fct_target_group') }} as fact
    inner join {{ ref('dim_report_target') }} as target
        on fact.report_target_key = target.report_target_key
    inner join {{ ref('dim_age_band') }} as age_band
        on fact.age_band_key = age_band.age_band_key
    {{ cuts('fact.month_on', 'fact.district_code', 'fact.ausl_code', 'int_iass__touched_cell') }}
)

select
    period_type,
    period_start_on,
    cast(extract(year from period_start_on) as integer) as year_number,
    territory_level,
    territory_code,
    coalesce(report_target_code, 'TOT') as report_target_code,
    coalesce(sex_code, 'TOT') as sex_code,
    coalesce(age_band_code, 'TOT') as age_band_code,
    count(distinct person_key) as n_persons
from person
group by
    period_type,
    period_start_on,
    territory_level,
    territory_code,
    grouping sets (
        (report_target_code, sex_code, age_band_code),
        (report_target_code, sex_code),
        (report_target_code, age_band_code),
        (report_target_code),
        ()
    )
