-- depends_on: {{ ref('int_service__touched_cell') }}
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='append_new_columns',
    meta={'touched': {
        'by': 'int_service__touched_cell',
        'columns': ['period_type', 'period_start_on', 'territory_level', 'territory_code']
    }},
    indexes=[
        {'columns': ['period_type', 'territory_level', 'period_start_on', 'territory_code', 'service_level',
            'service_code'], 'unique': true}
    ]
) }}
-- One row per period, period type, territory and family of services or service: persons in charge, distinct in each row, what they were
-- given and what it cost, with rates per 1,000 residents and per 1,000 residents of 75 and more.
-- An episode has one place and one service, so the periods come first and nothing has to be sorted for being distinct.
with episode as (
    select
        period.period_type,
        period.period_start_on,
        month.district_code,
        month.ausl_code,
        month.service_family_code,
        month.service_code,
        month.person_key,
        month.episode_key,
        max(month.age_from) >= 75 as is_75,
        sum(month.n_starts) as n_starts,
        sum(month.n_ends) as n_ends,
        sum(month.in_charge_days) as in_charge_days,
        sum(month.presence_days) as presence_days,
        sum(month.n_accesses) as n_accesses,
        sum(month.amount_eur) as amount_eur
    from {{ ref('int_service__known_month') }} as month
    {{ periods_first('month.month_on', 'int_service__touched_cell') }}
    group by 1, 2, 3, 4, 5, 6, 7, 8
),

person as (
    select
        episode.period_type,
        episode.period_start_on,
        place.territory_level,
        place.territory_code,
        level.service_level,
        level.service_code,
        episode.person_key,
        min(episode.service_family_code) as service_family_code,
        bool_or(episode.is_75) as is_75,
        count(*) as n_episodes,
        sum(episode.n_starts) as n_starts,
        sum(episode.n_ends) as n_ends,
        sum(episode.in_charge_days) as in_charge_days,
        sum(episode.presence_days) as presence_days,
        sum(episode.n_accesses) as n_accesses,
        sum(episode.amount_eur) as amount_eur
    from episode
    {{ places_then('episode', 'int_service__touched_cell') }}
    {{ service_cuts('episode') }}
    group by 1, 2, 3, 4, 5, 6, 7
),

counted as (
    select
        person.period_type,
        person.period_start_on,
        person.territory_level,
        person.territory_code,
        person.service_level,
        person.service_code,
        min(person.service_family_code) as service_family_code,
        count(*) filter (where person.person_key > 0) as n_persons,
        count(*) filter (where person.person_key > 0 and person.is_75) as n_persons_75,
        sum(person.n_episodes) as n_episodes,
        coalesce(sum(person.n_episodes) filter (where person.person_key < 0), 0) as n_episodes_without_person,
        sum(person.n_starts) as n_starts,
        sum(person.n_ends) as n_ends,
        sum(person.in_charge_days) as in_charge_days,
        sum(person.presence_days) as presence_days,
        sum(person.n_accesses) as n_accesses,
        sum(person.amount_eur) as amount_eur
    from person
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
    label.service_label,
    counted.n_persons,
    counted.n_persons_75,
    cast(counted.n_episodes as bigint) as n_episodes,
    cast(counted.n_episodes_without_person as bigint) as n_episodes_without_person,
    cast(counted.n_starts as bigint) as n_starts,
    cast(counted.n_ends as bigint) as n_ends,
    cast(counted.in_charge_days as bigint) as in_charge_days,
    counted.presence_days,
    cast(counted.n_accesses as bigint) as n_accesses,
    counted.amount_eur,
    residents.residents_on,
    residents.n_residents,
    residents.n_residents_75,
    round(1000 * cast(counted.n_persons as numeric) / residents.n_residents, 2) as persons_per_1000,
    round(1000 * cast(counted.n_persons_75 as numeric) / nullif(residents.n_residents_75, 0), 2) as persons_75_per_1000
from counted
inner join {{ ref('int_service__label') }} as label
    on
        counted.service_level = label.service_level
        and counted.service_code = label.service_code
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
