-- depends_on: {{ ref('int_service__touched_year') }}
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='append_new_columns',
    pre_hook="{{ delete_touched(ref('int_service__touched_year'), ['year_number']) }}",
    indexes=[{'columns': ['period_type', 'territory_level', 'period_start_on']}]
) }}
-- One row per period, period type, territory and family of services or service: persons in charge, distinct in each row, what they were
-- given and what it cost, with rates per 1,000 residents and per 1,000 residents of 75 and more.
with counted as (
    select
        period.period_type,
        period.period_start_on,
        place.territory_level,
        place.territory_code,
        level.service_level,
        level.service_code,
        min(service.service_family_code) as service_family_code,
        min(level.service_label) as service_label,
        count(distinct month.person_key) filter (where month.person_key > 0) as n_persons,
        count(distinct month.person_key) filter (where month.person_key > 0 and age_band.age_from >= 75) as n_persons_75,
        count(distinct month.episode_key) as n_episodes,
        count(distinct month.episode_key) filter (where month.person_key < 0) as n_episodes_without_person,
        sum(month.n_starts) as n_starts,
        sum(month.n_ends) as n_ends,
        sum(month.in_charge_days) as in_charge_days,
        sum(month.presence_days) as presence_days,
        sum(month.n_accesses) as n_accesses,
        sum(month.amount_eur) as amount_eur
    from {{ ref('fct_service_month') }} as month
    inner join {{ ref('dim_service') }} as service
        on month.service_key = service.service_key
    inner join {{ ref('dim_age_band') }} as age_band
        on month.age_band_key = age_band.age_band_key
    {{ cuts('month.month_on', 'month.district_code', 'month.ausl_code') }}
    cross join
        lateral (
            values
            ('family', service.service_family_code, service.service_family_label),
            ('service', service.service_code, service.service_label)
        ) as level (service_level, service_code, service_label)
    {% if is_incremental() %}
        where {{ in_touched_years('month.month_on', 'int_service__touched_year') }}
    {% endif %}
    group by 1, 2, 3, 4, 5, 6
)

select
    counted.period_type,
    counted.period_start_on,
    cast(extract(year from counted.period_start_on) as integer) as year_number,
    counted.territory_level,
    counted.territory_code,
    territory.territory_label,
    counted.service_level,
    counted.service_family_code,
    counted.service_code,
    counted.service_label,
    counted.n_persons,
    counted.n_persons_75,
    counted.n_episodes,
    counted.n_episodes_without_person,
    counted.n_starts,
    counted.n_ends,
    counted.in_charge_days,
    counted.presence_days,
    counted.n_accesses,
    counted.amount_eur,
    residents.residents_on,
    residents.n_residents,
    residents.n_residents_75,
    round(1000 * cast(counted.n_persons as numeric) / residents.n_residents, 2) as persons_per_1000,
    round(1000 * cast(counted.n_persons_75 as numeric) / nullif(residents.n_residents_75, 0), 2) as persons_75_per_1000
from counted
left join {{ ref('dim_territory') }} as territory
    on
        counted.territory_level = territory.territory_level
        and counted.territory_code = territory.territory_code
        and counted.period_start_on between territory.valid_from and territory.valid_to
left join {{ ref('int_population__residents') }} as residents
    on
        extract(year from counted.period_start_on) = residents.year_number
        and counted.territory_level = residents.territory_level
        and counted.territory_code = residents.territory_code
