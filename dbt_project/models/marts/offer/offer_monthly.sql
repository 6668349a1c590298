-- depends_on: {{ ref('int_service__touched_cell') }}
{{ config(
    materialized='incremental',
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
-- given and what it cost (nothing known where nothing is paid), with rates per 1,000 residents and per 1,000 residents of 75 and more.
{% set given = ['n_starts', 'n_ends', 'in_charge_days', 'presence_days', 'n_accesses', 'amount_eur'] %}
{% set told = ['n_persons', 'n_persons_75', 'n_episodes', 'n_episodes_without_person'] %}
with given_month as (
    select
        month_on,
        district_code,
        ausl_code,
        service_family_code,
        service_code,
    {% for measure in given %}
        sum({{ measure }}) as {{ measure }}{{ ',' if not loop.last }}
    {% endfor %}
    from {{ ref('int_service__known_month') }}
    group by 1, 2, 3, 4, 5
),

-- An episode has one place and one service.
episode as (
    select
        period.period_type,
        period.period_start_on,
        month.episode_key,
        min(month.person_key) as person_key,
        min(month.district_code) as district_code,
        min(month.ausl_code) as ausl_code,
        min(month.service_family_code) as service_family_code,
        min(month.service_code) as service_code,
        max(month.age_from) >= 75 as is_75
    from {{ ref('int_service__known_month') }} as month
    {{ periods_first('month.month_on', 'int_service__touched_cell') }}
    group by 1, 2, 3
),

-- So has nearly everybody, who is then one wherever she counts: only the others have to be told apart in each row.
seen as (
    select
        episode.*,
        bool_or(episode.is_75) over person as is_person_75,
        row_number() over person = 1 as is_first,
        min(episode.district_code) over person = max(episode.district_code) over person
        and min(episode.ausl_code) over person = max(episode.ausl_code) over person
        and min(episode.service_code) over person = max(episode.service_code) over person as is_one_everywhere
    from episode
    window person as (partition by episode.period_type, episode.period_start_on, episode.person_key)
),

in_place as (
    select
        period.period_type,
        period.period_start_on,
        month.district_code,
        month.ausl_code,
        month.service_family_code,
        month.service_code,
        {% for measure in given %}
            month.{{ measure }},
        {% endfor %}
    {% for measure in told %}
        0 as {{ measure }}{{ ',' if not loop.last }}
    {% endfor %}
    from given_month as month
    {{ periods_first('month.month_on', 'int_service__touched_cell') }}
    union all
    select
        period_type,
        period_start_on,
        district_code,
        ausl_code,
        service_family_code,
        service_code,
        {% for measure in given %}
            null as {{ measure }},
        {% endfor %}
        count(*) filter (where person_key > 0 and is_one_everywhere and is_first) as n_persons,
        count(*) filter (where person_key > 0 and is_one_everywhere and is_first and is_person_75) as n_persons_75,
        count(*) as n_episodes,
        count(*) filter (where person_key < 0) as n_episodes_without_person
    from seen
    group by 1, 2, 3, 4, 5, 6
),

apart as (
    select
        seen.period_type,
        seen.period_start_on,
        place.territory_level,
        place.territory_code,
        level.service_level,
        level.service_code,
        min(seen.service_family_code) as service_family_code,
        seen.person_key,
        bool_or(seen.is_75) as is_75
    from seen
    {{ places_then('seen', 'int_service__touched_cell') }}
    {{ service_cuts('seen') }}
    where
        seen.person_key > 0
        and not seen.is_one_everywhere
    group by 1, 2, 3, 4, 5, 6, 8
),

in_cell as (
    select
        in_place.period_type,
        in_place.period_start_on,
        place.territory_level,
        place.territory_code,
        level.service_level,
        level.service_code,
        in_place.service_family_code,
    {% for measure in given + told %}
        in_place.{{ measure }}{{ ',' if not loop.last }}
    {% endfor %}
    from in_place
    {{ places_then('in_place', 'int_service__touched_cell') }}
    {{ service_cuts('in_place') }}
    union all
    select
        period_type,
        period_start_on,
        territory_level,
        territory_code,
        service_level,
        service_code,
        service_family_code,
        {% for measure in given %}
            null as {{ measure }},
        {% endfor %}
        1 as n_persons,
        cast(is_75 as integer) as n_persons_75,
        0 as n_episodes,
        0 as n_episodes_without_person
    from apart
),

counted as (
    select
        period_type,
        period_start_on,
        territory_level,
        territory_code,
        service_level,
        service_code,
        min(service_family_code) as service_family_code,
    {% for measure in given + told %}
        sum({{ measure }}) as {{ measure }}{{ ',' if not loop.last }}
    {% endfor %}
    from in_cell
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
    cast(counted.n_persons as bigint) as n_persons,
    cast(counted.n_persons_75 as bigint) as n_persons_75,
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
    round(1000 * counted.n_persons / residents.n_residents, 2) as persons_per_1000,
    round(1000 * counted.n_persons_75 / nullif(residents.n_residents_75, 0), 2) as persons_75_per_1000
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
