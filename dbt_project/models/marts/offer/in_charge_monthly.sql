-- depends_on: {{ ref('int_service__touched_year') }}
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='append_new_columns',
    pre_hook="{{ delete_touched(ref('int_service__touched_year'), ['year_number']) }}",
    indexes=[{'columns': ['month_on', 'territory_level', 'territory_code']}]
) }}
-- One row per month, territory, family of services or service, and cut by sex and age band; TOT stands for all. Persons in charge are
-- distinct in each row.
with person as (
    select distinct
        month.month_on,
        place.territory_level,
        place.territory_code,
        level.service_level,
        service.service_family_code,
        level.service_code,
        level.service_label,
        month.sex_code,
        age_band.age_band_code,
        month.person_key
    from {{ ref('fct_service_month') }} as month
    inner join {{ ref('dim_service') }} as service
        on month.service_key = service.service_key
    inner join {{ ref('dim_age_band') }} as age_band
        on month.age_band_key = age_band.age_band_key
    cross join
        lateral (
            values ('district', month.district_code), ('ausl', month.ausl_code), ('region', '080')
        ) as place (territory_level, territory_code)
    cross join
        lateral (
            values
            ('family', service.service_family_code, service.service_family_label),
            ('service', service.service_code, service.service_label)
        ) as level (service_level, service_code, service_label)
    where
        month.person_key > 0
        {% if is_incremental() %}
            and {{ in_touched_years('month.month_on', 'int_service__touched_year') }}
        {% endif %}
)

select
    month_on,
    cast(extract(year from month_on) as integer) as year_number,
    territory_level,
    territory_code,
    service_level,
    service_family_code,
    service_code,
    service_label,
    coalesce(sex_code, 'TOT') as sex_code,
    coalesce(age_band_code, 'TOT') as age_band_code,
    count(distinct person_key) as n_persons
from person
group by
    month_on,
    territory_level,
    territory_code,
    service_level,
    service_family_code,
    service_code,
    service_label,
    grouping sets ((sex_code, age_band_code), (sex_code), (age_band_code), ())
