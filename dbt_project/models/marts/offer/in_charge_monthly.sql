-- depends_on: {{ ref('int_service__touched_cell') }}
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='append_new_columns',
    meta={'touched': {
        'by': 'int_service__touched_cell',
        'columns': ['month_on', 'territory_level', 'territory_code'],
        'only': "period_type = 'month'"
    }},
    indexes=[
        {'columns': ['month_on', 'territory_level', 'territory_code', 'service_level', 'service_code',
            'sex_code', 'age_band_code'], 'unique': true}
    ]
) }}
-- One row per month, territory, family of services or service, and cut by sex and age band; TOT stands for all. Persons in charge are
-- distinct in each row; who has two episodes in it has the sex and the older age band of both.
with person as (
    select
        month.month_on,
        place.territory_level,
        place.territory_code,
        level.service_level,
        level.service_code,
        month.person_key,
        min(month.service_family_code) as service_family_code,
        max(month.sex_code) as sex_code,
        (array_agg(month.age_band_code order by month.age_from desc))[1] as age_band_code
    from {{ ref('int_service__known_month') }} as month
    {{ cuts('month.month_on', 'month.district_code', 'month.ausl_code', 'int_service__touched_cell', ['month']) }}
    {{ service_cuts('month') }}
    where month.person_key > 0
    group by 1, 2, 3, 4, 5, 6
),

counted as (
    select
        month_on,
        territory_level,
        territory_code,
        service_level,
        service_family_code,
        service_code,
        coalesce(sex_code, 'TOT') as sex_code,
        coalesce(age_band_code, 'TOT') as age_band_code,
        count(*) as n_persons
    from person
    group by
        month_on,
        territory_level,
        territory_code,
        service_level,
        service_family_code,
        service_code,
        grouping sets ((sex_code, age_band_code), (sex_code), (age_band_code), ())
)

select
    counted.month_on,
    cast(extract(year from counted.month_on) as integer) as year_number,
    counted.territory_level,
    counted.territory_code,
    counted.service_level,
    counted.service_family_code,
    counted.service_code,
    label.service_label,
    counted.sex_code,
    counted.age_band_code,
    counted.n_persons
from counted
inner join {{ ref('int_service__label') }} as label
    on
        counted.service_level = label.service_level
        and counted.service_code = label.service_code
